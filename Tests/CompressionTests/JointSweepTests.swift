import Basic
import Frontend
import Foundation
import IR
import Numerics
import Ops
import Testing

@testable import Compression

/// Stages that do two things at once, and what they write.
@Suite("Joint steps and written files")
struct JointSweepTests {
  private func quantized(_ entries: [OptionEntry], samples: Int = 32) throws -> CompressedModel {
    var model = try Digits.model()
    var context = try Digits.context(samples: samples)
    context.capabilities = PlacementRules.onnxruntime
    try Digits.stage(FoldStage.self, []).apply(&model, context)
    try QuantizationTests.stage(entries).apply(&model, context)
    return model
  }

  private static let int4 = QuantizationTests.entry("weights", .mapping([QuantizationTests.entry("num_bits", .integer(4))]))

  @Test func oneSweepRemovesAndRounds() throws {
    let options = [QuantizationTests.entry("method", .text("gptq")), Self.int4, QuantizationTests.entry("sparsity", .text("2:4"))]
    let model = try quantized(options)
    #expect(model.graph.verify().isEmpty)
    let sparse = model.graph.valueIDs.filter {
      model.graph[$0].constant != nil && model.graph.tensorType($0)?.encoding.sparsity == .structured(kept: 2, of: 4)
    }
    // All convolutions but the stem, which has one input channel.
    #expect(sparse.count >= 8)
    for value in sparse {
      let tensor = try #require(model.graph[value].constant.flatMap { Tensor($0) })
      #expect(tensor.element == .int4)
      let zeros = try tensor.doubles().count { $0 == 0 }
      #expect(zeros * 2 >= tensor.count)
    }
    let stem = model.records.first { $0.reason != nil && $0.action.hasPrefix("weights") }
    #expect(stem?.reason?.contains("one input channel") == true)
    #expect(throws: Failure.self) { try QuantizationTests.stage([Self.int4, QuantizationTests.entry("sparsity", .text("2:4"))]) }
    #expect(throws: Failure.self) {
      try QuantizationTests.stage([
        QuantizationTests.entry("method", .text("gptq")), Self.int4, QuantizationTests.entry("sparsity", .text("4:2")),
      ])
    }
  }

  /// One sweep loses less at the model's output than masking and rounding after each other without correction.
  @Test func oneSweepBeatsTwoPlainSteps() throws {
    let context = try Digits.context(samples: 48)
    var plain = try Digits.model()
    try Digits.stage(SparsifyStage.self, [("pattern", .text("2:4")), ("method", .text("magnitude")), ("bias_correction", .flag(false))])
      .apply(&plain, context)
    try QuantizationTests.stage([Self.int4]).apply(&plain, context)
    let joint = try quantized(
      [QuantizationTests.entry("method", .text("gptq")), Self.int4, QuantizationTests.entry("sparsity", .text("2:4"))], samples: 48)
    let samples = try #require(context.calibration)
    func noise(_ graph: Graph) throws -> Double {
      try AccuracyMeasure().run(graph, against: plain.original, on: samples).sqnrDecibels ?? -999
    }
    #expect(try noise(joint.graph) > noise(plain.graph) + 3)
  }

  @Test func sumsShareAScaleWhereAsked() throws {
    func scales(_ sharing: Bool) throws -> [[Float]] {
      let activations = QuantizationTests.entry("activations", .mapping([QuantizationTests.entry("share_sums", .flag(sharing))]))
      let graph = try quantized([QuantizationTests.entry("weights", .mapping([])), activations], samples: 8).graph
      func scale(_ value: ValueID?) -> Float? {
        guard let value, let producer = graph[value].producer, graph[producer].operation is Dequantize,
          let constant = graph[producer].inputs[1].flatMap({ graph[$0].constant })
        else { return nil }
        return (try? Tensor(constant)?.floats())?.first
      }
      return graph.nodeIDs.filter { (graph[$0].operation as? BinaryElementwise)?.function == .add }
        .map { graph[$0].inputs.compactMap(scale) }.filter { $0.count == 2 }
    }
    let (shared, own) = (try scales(true), try scales(false))
    #expect(shared.count == 3 && own.count == 3)
    #expect(shared.allSatisfy { $0[0] == $0[1] })
    #expect(own.contains { $0[0] != $0[1] })
  }

  /// One loud token does not cost the others their bits.
  @Test func everyTokenHasItsOwnScale() throws {
    func error(_ byToken: Bool) throws -> Double {
      var model = CompressedModel(try LayerwiseSweepTests.twoLayers().graph)
      var activations = [QuantizationTests.entry("dynamic", .flag(true))]
      if byToken {
        activations += [QuantizationTests.entry("strategy", .text("token")), QuantizationTests.entry("symmetric", .flag(true))]
      }
      try QuantizationTests.stage([QuantizationTests.entry("activations", .mapping(activations))]).apply(&model, CompressionContext())
      #expect(model.graph.verify().isEmpty)
      let x = Datum.tensor(Tensor([3, 3], floats: [0.01, -0.02, 0.015, 900, -700, 800, 0, 0, 0]))
      let exact = try #require(Evaluator().run(model.original, inputs: [x])[0].tensor).floats()
      let found = try #require(Evaluator().run(model.graph, inputs: [x])[0].tensor).floats()
      let isFinite = found.allSatisfy(\.isFinite)
      #expect(isFinite)
      // The first token alone.
      let off = zip(exact, found).prefix(2).reduce(0) { $0 + ($1.0 - $1.1).magnitude }
      return Double(off / exact.prefix(2).reduce(0) { $0 + $1.magnitude })
    }
    #expect(try error(true) < 0.02)
    #expect(try error(false) > 0.5)
    #expect(throws: Failure.self) {
      try QuantizationTests.stage([QuantizationTests.entry("activations", .mapping([QuantizationTests.entry("strategy", .text("token"))]))])
    }
  }

  @Test(
    arguments: [
      ([("num_bits", OptionValue.Content.integer(8))], 13), ([("type", .text("fp8_e4m3"))], 19), ([("num_bits", .integer(4))], 21),
      // A codebook of 16 has positions of 4 bits, one of 64 has them in 8.
      ([("type", .text("codebook"))], 21), ([("type", .text("codebook")), ("num_bits", .integer(6))], 13),
      // Without quantisation a model is written for the newest set.
      ([("type", .text("bf16"))], 22),
    ])
  func filesAreWrittenForTheOldestOperatorSet(_ format: [(String, OptionValue.Content)], _ opset: Int) throws {
    var model = CompressedModel(try LayerwiseSweepTests.twoLayers().graph)
    try QuantizationTests.stage([QuantizationTests.entry("weights", .mapping(format.map { QuantizationTests.entry($0.0, $0.1) }))]).apply(
      &model, CompressionContext())
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("opset-\(UUID().uuidString).onnx").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ONNXExporter.write(model.graph, to: path)
    let header = try ONNXImporter.header(MappedFile(path: path))
    #expect(header.opsets[""] == opset)
    // What was written means the same.
    let batch: [Datum?] = [.tensor(Tensor([2, 3], floats: [1, 2, 3, -1, 0, 1]))]
    let again = try ModelLoader.load(path: path, dimensions: [:])
    let before = try #require(Evaluator().run(model.graph, inputs: batch)[0].tensor)
    let after = try #require(Evaluator().run(again, inputs: batch)[0].tensor)
    #expect(try Comparison(after, before).relativeError < 1e-6)
  }

  @Test func sameRecipeSameFile() throws {
    func bytes() throws -> Data {
      let model = try quantized(
        [
          QuantizationTests.entry("method", .text("gptq")), Self.int4, QuantizationTests.entry("bias_correction", .flag(true)),
          QuantizationTests.entry("activations", .mapping([])),
        ], samples: 16)
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("same-\(UUID().uuidString).onnx").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      try ONNXExporter.write(model.graph, to: path)
      return try Data(contentsOf: URL(fileURLWithPath: path))
    }
    let (first, second) = (try bytes(), try bytes())
    #expect(first == second)
    #expect(first.count > 40_000)
  }
}
