import Basic
import Driver
import Foundation
import Testing

/// Whole recipes with a machine: goals that must hold, and bits chosen by what the machine runs faster.
@Suite("Compression for a machine")
struct CompressionGoalTests {
  private static let fixtures = "\(PredictionTests.root)/Tests/CompressionTests/Fixtures"

  private func run(_ recipe: String) throws -> CompressionReport {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("recipe-\(UUID().uuidString).yaml").path
    try recipe.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var request = ModelRequest(path: "\(Self.fixtures)/digits-resnet.onnx")
    request.dimensions = ["n": 1]
    var run = CompressionRun(model: request, recipe: try CompressionRun.recipe(path))
    run.calibration = "\(Self.fixtures)/digits-calibration.npz"
    run.evaluation = "\(Self.fixtures)/digits-test.npz"
    run.catalog = PredictionTests.catalog
    return try run.run().report
  }

  @Test func goalsAreJudgedOneByOne() throws {
    let report = try run(
      """
      version: 1
      target: ethos-u55-128
      calibration: {samples: 16}
      evaluate:
        samples: 32
        metrics:
          - {name: top1, goal: {type: max_degradation, value: 0.2}}
          - {name: latency_ms, goal: {type: max, value: 1000}}
          - {name: latency_ms, goal: {type: max, value: 0.000001}}
          - {name: size_ratio, goal: {type: min, value: 3}}
          - {name: sqnr_db, goal: {type: min, value: 300}}
      stages:
        - fold
        - quantize: {weights: {num_bits: 8}, activations: {num_bits: 8}}
      """)
    #expect(report.goals.map(\.isMet) == [true, true, false, true, false])
    #expect(!report.meetsGoals)
    #expect(report.goals.allSatisfy { $0.value != nil })
    // The machine's own arithmetic is what the integers ran with.
    #expect(report.arithmetic.requantization == .fixedPoint)
    #expect(report.integers?.rows.allSatisfy { $0.ownGap <= 1 } == true)
  }

  /// A model bound to more inputs at once than a recipe's samples or the comparison of integers ask for.
  @Test func aBatchMayBeLargerThanTheSamples() throws {
    var request = ModelRequest(path: "\(Self.fixtures)/digits-resnet.onnx")
    request.batch = 64
    var run = CompressionRun(model: request, recipe: try CompressionRun.recipe("\(PredictionTests.root)/recipes/int8.yaml"))
    run.recipe.calibration.samples = 16
    run.calibration = "\(Self.fixtures)/digits-calibration.npz"
    let report = try run.run().report
    #expect(report.integers != nil)
    // Written with keys as in every other file, and read again.
    let bytes = try report.encoded()
    #expect(String(decoding: bytes, as: UTF8.self).contains("\"size_after\""))
    #expect(try CompressionReport.decode(bytes, file: "report.json").sizeAfter?.total == report.sizeAfter?.total)
  }

  /// Keys and values in 8 bits: a decoding step over long caches reads half of their bytes, and layers stay in the machine's format.
  @Test func aStoredCacheMakesDecodingFaster() throws {
    var request = ModelRequest(path: "\(PredictionTests.root)/graphs/llama-3.2-1b.json")
    request.dimensions = ["batch": 16, "sequence": 1, "past": 4096]
    var run = CompressionRun(model: request, recipe: try CompressionRun.recipe("\(PredictionTests.root)/recipes/kv-fp8.yaml"))
    run.target = "nvidia-h100-sxm5-80gb"
    run.catalog = PredictionTests.catalog
    let report = try run.run().report
    let latency = try #require(report.latency)
    #expect(latency.afterSeconds < 0.9 * latency.beforeSeconds)
    #expect(report.records.count { $0.action == "cache stored as fp8-e4m3 tensor" } == 32)
    for kernel in latency.kernels ?? [] where kernel.nodes.contains(where: { $0.contains(".attention#") }) {
      #expect(kernel.afterSeconds < 0.75 * kernel.beforeSeconds, "\(kernel)")
    }
    #expect(latency.slower.allSatisfy { $0.layer == "(conversions)" }, "\(latency.slower)")
    // Without a past there is no cache to store.
    request.dimensions["past"] = nil
    run.model = request
    #expect(throws: Failure.self) { try run.run() }
  }

  /// What the machine cannot run is said before the work begins, and which dimensions were left open.
  @Test func machinesAreAskedFirst() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("open-\(UUID().uuidString).cwg").path
    try """
    graph "open" {
      input %0 "x" : f32[1, 1, h, 8]
      const %1 "w" : f32[1, 1, 3, 3] = absent
      %2 "y" : f32[1, 1, h - 2, 6] = conv(%0, %1, _) {strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], groups = 1, \
    padding = "explicit"} name "conv" from ["conv"]
      output %2
    }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let recipe = try CompressionRun.recipe("\(PredictionTests.root)/recipes/int8.yaml")
    var run = CompressionRun(model: ModelRequest(path: path), recipe: recipe)
    (run.target, run.catalog, run.calibration) = ("ethos-u55-128", PredictionTests.catalog, "/nosuch.npz")
    let failure = #expect(throws: Failure.self) { try run.run() }
    // One row has no window of three; the data is not even looked for.
    #expect(failure?.description.contains("nosuch") == false, "\(failure?.description ?? "")")
    #expect(failure?.description.contains("--dim h=N") == true, "\(failure?.description ?? "")")
  }

  /// A table that the weight decoder of Ethos-U has room for is read by position; a longer one is decoded ahead, and on a machine
  /// without a decoder every layer that got slower says so.
  @Test func codebooksAreReadByMachinesThatDecodeThem() throws {
    func report(_ weights: String, _ target: String, activations: String = ", activations: {num_bits: 8}") throws -> CompressionReport {
      try run(
        """
        version: 1
        target: \(target)
        calibration: {samples: 16}
        evaluate: {samples: 16}
        stages: [fold, {quantize: {weights: \(weights)\(activations)}}]
        """)
    }
    func latency(_ weights: String) throws -> Double { try #require(try report(weights, "ethos-u55-128").latency).afterSeconds }
    let (plain, short) = (try latency("{num_bits: 8}"), try latency("{type: codebook, num_bits: 4}"))
    #expect(short < 0.85 * plain, "\(short) after \(plain)")
    #expect(try latency("{type: codebook, num_bits: 6}") > 0.98 * plain)
    let gpu = try report("{type: codebook, num_bits: 4}", "nvidia-a100-sxm4-80gb", activations: "")
    let layers = (gpu.latency?.slower ?? []).filter { $0.layer != "(conversions)" }
    #expect(!layers.isEmpty && layers.allSatisfy { $0.reason.contains("codebook decoded ahead") }, "\(layers)")
    #expect(gpu.records.contains { $0.reason?.hasPrefix("decoded ahead to 8 bits") == true })
  }

  /// Balanced channels are other numbers: stored tensors are measured against the model as it was balanced.
  @Test func tensorsAreMeasuredAgainstTheBalancedModel() throws {
    let report = try run(
      """
      version: 1
      calibration: {samples: 32}
      evaluate: {samples: 32}
      stages: [fold, {equalize: {method: cross_layer}}, {quantize: {weights: {num_bits: 8}, activations: {num_bits: 8}}}]
      """)
    let rows = report.integers?.rows ?? []
    #expect(!rows.isEmpty && rows.allSatisfy { ($0.fakeDecibels ?? 0) > 24 }, "\(rows.map { ($0.tensor, $0.fakeDecibels) })")
  }

  /// Two saved reports: what was lost per stored tensor stands beside the time of its kernel, the largest loss first.
  @Test func reportsStandSideBySide() throws {
    func report(_ bits: Int) throws -> CompressionReport {
      let written = try run(
        """
        version: 1
        target: ethos-u55-128
        calibration: {samples: 16}
        evaluate: {samples: 32}
        stages: [fold, {quantize: {weights: {num_bits: 8}, activations: {num_bits: \(bits)}}}]
        """
      ).encoded()
      #expect(CompressionReport.recognises(written))
      return try CompressionReport.decode(written, file: "report.json")
    }
    let (fine, coarse) = (try report(8), try report(5))
    let comparison = CompressionComparison(fine, coarse)
    #expect(comparison.rows.count == fine.integers?.rows.count)
    for row in comparison.rows {
      #expect(row.loss > 10, "5 bits lose 18 dB to 8: \(row.name) \(row.loss)")
      // The input is no kernel's result.
      #expect((row.seconds.0 ?? 0) > 0 || row.name == "x", "\(row.name)")
    }
    #expect(comparison.rows.map(\.loss) == comparison.rows.map(\.loss).sorted(by: >))
    let text = comparison.text(top: 3)
    for part in ["top-1", "latency", "stored tensor", "more with --top"] { #expect(text.contains(part), "\(text)") }
    #expect(throws: Failure.self) { try CompressionReport.decode(Array("{}".utf8), file: "x.json") }
    #expect(!CompressionReport.recognises(Array("{\"schema\": \"cyclewright.result/1\"}".utf8)))
  }

  /// A format the machine lacks costs the latency, not the model and what was measured of it.
  @Test func whatATargetCannotRunIsSaid() throws {
    let report = try run(
      """
      version: 1
      target: nvidia-a100-sxm4-80gb
      calibration: {samples: 8}
      evaluate: {samples: 8, metrics: [{name: latency_ms, goal: {type: max, value: 5}}]}
      stages: [fold, {quantize: {weights: {num_bits: 8}, activations: {num_bits: 16}}}]
      """)
    #expect(report.latency == nil && report.accuracy != nil)
    #expect(report.latencyRefusal?.contains("cannot multiply") == true, "\(report.latencyRefusal ?? "none")")
    #expect(!report.meetsGoals)
    for part in ["latency   none: ", "not measured: the target cannot run it"] { #expect(report.text().contains(part), "\(report.text())") }
  }

  /// A machine without 4-bit products gains nothing from 4 bits in its multipliers.
  @Test func latencyBudgetsAskTheMachine() throws {
    func bits(_ options: String) throws -> (chosen: [String: Int], seconds: Double) {
      let report = try run(
        """
        version: 1
        target: nvidia-a100-sxm4-80gb
        calibration: {samples: 8, batch: 8}
        evaluate: {samples: 8}
        stages:
          - fold
          - mixed_precision: {resource: latency, metric: sqnr, samples: 8, \(options)}
        """)
      let rows = report.records.filter { $0.action.hasSuffix(" bits") }
      #expect(!rows.isEmpty)
      let chosen = rows.map { ($0.layer, Int($0.action.prefix { $0 != " " }) ?? 0) }
      return (Dictionary(chosen, uniquingKeysWith: { a, _ in a }), report.latency?.afterSeconds ?? 0)
    }
    let most = try bits("share: 1, bits: [4, 8]")
    let faster = try bits("share: 0, bits: [4, 8], only_if_faster: true")
    let least = try bits("share: 0, bits: [4, 8]")
    #expect(least.seconds <= most.seconds)
    // Bits are given back only where that costs no time.
    #expect(faster.seconds <= least.seconds * 1.0001)
    #expect(faster.chosen.values.reduce(0, +) >= least.chosen.values.reduce(0, +))
  }
}
