import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

/// Scales that move outliers of activations into weights, on a transformer's feed-forward block with a loud channel.
@Suite("Outlier channels")
struct OutlierTests {
  private static let width = 64

  /// y = relu(norm(x)·up)·down, where the normalisation gives two channels a large gain as trained transformers do.
  private func block() throws -> CompressedModel {
    let width = Self.width
    var gains = [Float](repeating: 1, count: width)
    (gains[3], gains[11]) = (60, 40)
    var rewriter = Rewriter(Graph(name: "block"))
    let x = rewriter.addInput(.tensor(TensorType(.float32, [.symbol("n"), Dimension(integerLiteral: width)])), name: "x")
    let gain = rewriter.addConstant(Constant(Tensor([width], floats: gains)), name: "gain")
    let shift = rewriter.addConstant(Constant(Tensor([width], floats: [Float](repeating: 0, count: width))), name: "shift")
    let up = Self.weight([width, 32], 5, "up", &rewriter)
    let down = Self.weight([32, width], 6, "down", &rewriter)
    let norm = try Self.add(LayerNormalization(), [x, gain, shift], "norm", &rewriter)
    let hidden = try Self.add(MatrixMultiply(), [norm, up], "expand", &rewriter)
    let active = try Self.add(UnaryElementwise(.relu), [hidden], "active", &rewriter)
    rewriter.setOutputs([try Self.add(MatrixMultiply(), [active, down], "project", &rewriter)])
    return CompressedModel(rewriter.finish())
  }

  /// Few large weights and many small ones, as in trained layers.
  private static func weight(_ shape: [Int], _ seed: UInt64, _ name: String, _ rewriter: inout Rewriter) -> ValueID {
    let values = QuantizationTests.uniform(shape.reduce(1, *), seed: seed).map { $0 * $0 * $0 }
    return rewriter.addConstant(Constant(Tensor(shape, floats: values)), name: name)
  }

  private static func add(
    _ operation: any Operator, _ inputs: [ValueID], _ name: String, _ rewriter: inout Rewriter
  ) throws -> ValueID {
    let node = try rewriter.addNode(operation, inputs.map { $0 }, name: name, origin: Origin([name]))
    return rewriter.graph[node].outputs[0]
  }

  private func context() throws -> CompressionContext {
    let count = 64
    let values = QuantizationTests.uniform(count * Self.width, seed: 9)
    return CompressionContext(
      calibration: try SampleSet([("x", Tensor([count, Self.width], floats: values))], source: "block.npz"))
  }

  private func noise(equalize method: String?, _ quantize: [OptionEntry]) throws -> Double {
    var model = try block()
    let context = try context()
    if let method {
      try Digits.stage(EqualizeStage.self, [("method", .text(method))]).apply(&model, context)
      #expect(model.records.contains { $0.action.contains("scaled") }, "\(model.records)")
    }
    try QuantizationTests.stage(quantize).apply(&model, context)
    let samples = try #require(context.calibration)
    return try AccuracyMeasure().run(model.graph, against: model.original, on: samples).sqnrDecibels ?? -999
  }

  /// 8-bit activations: half of each outlier goes into the weights, so that the other channels keep their bits.
  @Test func smoothQuantLowersTheErrorOfActivations() throws {
    let options = [
      QuantizationTests.entry("weights", .mapping([])),
      QuantizationTests.entry("activations", .mapping([QuantizationTests.entry("scope", .text("inputs"))])),
    ]
    #expect(try noise(equalize: "smoothquant", options) > noise(equalize: nil, options) + 3)
  }

  /// 4-bit weights: rows that meet loud channels are rounded finer.
  @Test func awqLowersTheErrorOfWeights() throws {
    let options = [QuantizationTests.entry("weights", .mapping([QuantizationTests.entry("num_bits", .integer(4))]))]
    let (scaled, plain) = (try noise(equalize: "awq", options), try noise(equalize: nil, options))
    #expect(scaled > plain + 0.5)
  }
}
