import Basic
import Driver
import Foundation
import Hardware
import Reports
import Results
import Testing

/// End to end over shipped graphs and machines. `Prediction.run` itself fails when a result breaks an invariant.
@Suite("Predictions over graphs × machines")
struct PredictionTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  static let catalog = TargetCatalog(folder: "\(root)/targets")
  static let graphs = [("resnet-50", ["batch": 2]), ("mobilenet-v2", ["batch": 1]), ("bert-base", ["batch": 1, "sequence": 64])]
  static let machines = ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-t4"]

  static func prediction(_ graph: String, _ dimensions: [String: Int], _ target: String) -> Prediction {
    var request = ModelRequest(path: "\(root)/graphs/\(graph).cwg")
    request.dimensions = dimensions
    return Prediction(model: request, target: target, catalog: catalog)
  }

  @Test(arguments: graphs, machines)
  func resultsHoldTheirInvariants(_ graph: (String, [String: Int]), _ target: String) throws {
    let result = try Self.prediction(graph.0, graph.1, target).run()
    #expect(result.verify().isEmpty)
    #expect(result.totals.floorSeconds > 0)
    #expect(result.totals.opaqueShare == 0)
    #expect(result.kernels.allSatisfy { $0.latencySeconds > 0 && !$0.reason.isEmpty })
    // Every source node is in exactly one kernel or among the folded.
    let covered = (result.kernels.flatMap(\.origin) + result.folded.map(\.name)).sorted()
    #expect(covered.count == result.model.sourceNodes)
  }

  /// What is not known is `null`, not absent.
  @Test func unknownEnergyIsNull() throws {
    let result = try Self.prediction("mobilenet-v2", ["batch": 1], "edge-tpu-usb").run()
    let text = String(decoding: try JSONReport.encode(result), as: UTF8.self)
    let unknown = result.kernels.count { $0.energyJoules == nil } + (result.totals.energyJoules == nil ? 1 : 0)
    #expect(unknown > 0)
    #expect(text.components(separatedBy: "\"energy_joules\" : null").count == unknown + 1)
  }

  @Test func resNetHasAllItsConvolutionsFused() throws {
    let result = try Self.prediction("resnet-50", ["batch": 1], "nvidia-a100-sxm4-80gb").run()
    #expect(result.kernels.count { $0.kind == "convolution" } == 53)
    // 53 convolutions, one pooling at each end, one classifier: activations and residuals ride along.
    #expect(result.kernels.count <= 57)
    #expect(result.model.macs == 4_089_184_256)
  }

  @Test func attentionIsOneKernelPerLayer() throws {
    let result = try Self.prediction("bert-base", ["batch": 1, "sequence": 128], "nvidia-a100-sxm4-80gb").run()
    #expect(result.kernels.count { $0.kind == "attention" } == 12)
    let table = try #require(result.kernels.first { $0.name.contains("word_embeddings") || $0.operations.contains("gather") })
    #expect(table.latencySeconds < 10e-6, "an embedding reads its rows, not the table")
  }

  /// A node nobody has described is a kernel of its own whose share of the time is shown.
  @Test func opaqueOperatorsAreVisible() throws {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "by hand" nodes ["first", "strange"]
        input %0 "x" : f32[64, 64]
        %1 "h" : f32[64, 64] = unary(%0) {function = "relu"} name "first" from ["first"]
        %2 "y" : f32[64, 64] = opaque(%1) {label = "my.lab.Frobnicate", elements = ["f32"], ranks = [2], extents = ["64", "64"]} name "strange" from ["strange"]
        output %2
      }
      """
    let path = FileManager.default.temporaryDirectory.appending(path: "opaque-\(UUID().uuidString).cwg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let result = try Prediction(model: ModelRequest(path: path), target: "nvidia-t4", catalog: Self.catalog).run()
    #expect(result.totals.opaqueShare > 0)
    #expect(result.totals.opaqueShare < 1)
    #expect(result.kernels.contains { $0.origin == ["strange"] && $0.kind == "opaque" })
  }

  /// Weights inside a branch are the model's as much as any.
  @Test(arguments: ["nvidia-t4", "ethos-u55-128"])
  func anUndecidedBranchHasItsWeightsAndAnAssumption(_ target: String) throws {
    let path = try InspectionTests.file(InspectionTests.choice, "choice")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let result = try Prediction(model: ModelRequest(path: path), target: target, catalog: Self.catalog).run()
    #expect(result.model.parameters == 48)
    #expect(result.model.weightBytes > 0)
    #expect(result.model.macs == 96)
    #expect(result.assumptions.contains { $0.what.contains("'choice' is counted as its then branch") })
  }

  @Test func twoRunsAreByteIdentical() throws {
    let prediction = Self.prediction("bert-base", ["batch": 1, "sequence": 32], "nvidia-a100-sxm4-80gb")
    let (first, second) = (try JSONReport.encode(try prediction.run()), try JSONReport.encode(try prediction.run()))
    #expect(first == second)
    let again = try JSONReport.decode(first, file: "r.json")
    #expect(try JSONReport.encode(again) == first)
  }

  @Test func fewerBitsMoveFewerBytes() throws {
    var wide = Self.prediction("bert-base", ["batch": 1, "sequence": 64], "nvidia-a100-sxm4-80gb")
    wide.model.precision = "fp16"
    var narrow = wide
    narrow.model.precision = "w4a16"
    let (a, b) = (try wide.run(), try narrow.run())
    #expect(b.model.weightBytes < a.model.weightBytes / 2)
    #expect(b.model.macs == a.model.macs)
  }

  /// Bits of a weight with its share of a scale, as libraries store them; the table of tokens stays in 16 bits.
  @Test(arguments: [("fp8", 8.0), ("nvfp4", 4.5), ("mxfp4", 4.25), ("w4a16", 4.125)])
  func formatsStoreTheirScalesToo(_ precision: String, _ bits: Double) throws {
    var prediction = Self.prediction("", ["batch": 1, "sequence": 1], "nvidia-b200")
    prediction.model.path = "\(Self.root)/graphs/llama-3-8b.json"
    prediction.model.precision = precision
    let model = try prediction.run().model
    let table = 128_256 * 4096
    let stored = Double(8 * (model.weightBytes - 2 * table)) / Double(model.parameters - table)
    #expect(abs(stored - bits) < 0.01, "\(stored)")
  }

  @Test func sparsityIsToldPerLayer() throws {
    var dense = Self.prediction("bert-base", ["batch": 8, "sequence": 128], "nvidia-a100-sxm4-80gb")
    dense.model.precision = "fp16"
    var sparse = dense
    sparse.model.sparsity = "2:4"
    let (a, b) = (try dense.run(), try sparse.run())
    #expect(b.totals.latencySeconds <= a.totals.latencySeconds * 1.001)
    let verdicts = try #require(b.sparsity)
    #expect(verdicts.count == b.kernels.count { $0.kind == "matmul" })
    for verdict in verdicts {
      #expect(!verdict.reason.isEmpty)
      #expect(verdict.chosen == (verdict.eligible && verdict.gain >= 1.01), "\(verdict.layer)")
      #expect(!verdict.eligible || verdict.metadataBytes > 0)
    }
    var turing = sparse
    turing.target = "nvidia-t4"
    let none = try #require(try turing.run().sparsity)
    #expect(none.allSatisfy { !$0.eligible && $0.reason == "the machine has no 2:4 instruction" })
    #expect(b.totals.latencySeconds > a.totals.latencySeconds / 2, "2:4 of the weights never halves a whole network")
  }

  @Test(
    "mistakes name what is wrong and how to mend it",
    arguments: [
      (
        "bert-base", [String: Int](), "nvidia-a100-sxm4-80gb",
        "bert-base.cwg: error: dimensions are not bound: sequence (add --dim 'sequence=…')"
      ),
      ("resnet-50", ["batch": 1], "nvidia-a100-sxm4-80g", "did you mean nvidia-a100-sxm4-80gb?"),
      ("resnet-51", ["batch": 1], "nvidia-a100-sxm4-80gb", "resnet-51.cwg"),
      ("resnet-50", ["batch": 0], "nvidia-a100-sxm4-80gb", "axis 0 of input 'input' is 0: nothing would run"),
      ("resnet-50", ["bach": 1], "nvidia-a100-sxm4-80gb", "did you mean 'batch'?"),
    ])
  func mistakes(_ graph: String, _ dimensions: [String: Int], _ target: String, _ message: String) {
    #expect { try Self.prediction(graph, dimensions, target).run() } throws: { "\($0)".contains(message) }
  }

  @Test(arguments: [
    ("ResNet50", "resnet-50.cwg"), ("OPT_1.3B", "opt-1.3b.json"), ("opt_13", "opt-1.3b.json"), ("opt-13b", nil),
    ("meta-llama/llama-2-7b-hf", "llama-2-7b.json"), ("nobody/llama-2-7b", nil), ("bert_large", "bert-large.json"),
  ])
  func shippedGraphsGoByAnySpelling(name: String, file: String?) {
    let found = LoadedModel.resolve(name)
    #expect(found == file.map { "\(Self.root)/graphs/\($0)" } ?? name)
  }

  @Test func anOpenBatchIsOneAndSaysSo() throws {
    let assumed = try Self.prediction("resnet-50", [:], "nvidia-a100-sxm4-80gb").run()
    let given = try Self.prediction("resnet-50", ["batch": 1], "nvidia-a100-sxm4-80gb").run()
    #expect(assumed.totals == given.totals)
    #expect(assumed.model.dims == ["batch": 1])
    #expect(assumed.assumptions.first?.what == "the leading axis of the inputs (batch) is 1")
    #expect(Array(assumed.assumptions.dropFirst()) == given.assumptions)
  }

  @Test func everyShippedMachineIsClean() {
    for file in Self.catalog.files() {
      let found = TargetLint(Self.catalog).diagnostics(file.path).filter { $0.severity == .error }
      #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }
  }
}
