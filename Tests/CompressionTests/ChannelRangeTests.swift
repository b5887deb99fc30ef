import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

/// Channels of what depthwise convolutions read, brought to one range.
@Suite("Channel ranges")
struct ChannelRangeTests {
  /// A convolution whose channels differ in size a hundredfold, an activation, a depthwise convolution and a projection.
  private static func network(_ activation: any Operator) throws -> Graph {
    var rewriter = Rewriter(Graph(name: "depthwise"))
    func constant(_ shape: [Int], _ seed: UInt64, _ size: (Int) -> Float = { _ in 1 }, _ rewriter: inout Rewriter) -> ValueID {
      let inner = shape.dropFirst().reduce(1, *)
      let values = QuantizationTests.uniform(shape.reduce(1, *), seed: seed).enumerated().map { $1 * size($0 / inner) }
      return rewriter.addConstant(Constant(Tensor(shape, floats: values)), name: "c\(seed)")
    }
    func conv(_ groups: Int, _ pad: Int) -> Convolve {
      Convolve(strides: [1, 1], dilations: [1, 1], pads: [pad, pad, pad, pad], groups: groups)
    }
    let sizes: [Float] = [4, 0.04, 1, 0.4, 2, 0.08, 0.6, 0.1]
    let shapes: [(name: String, operation: any Operator, weight: [Int])] = [
      ("expand", conv(1, 0), [8, 4, 1, 1]), ("act", activation, []), ("depthwise", conv(8, 1), [8, 1, 3, 3]),
      ("project", conv(1, 0), [3, 8, 1, 1]),
    ]
    var value = rewriter.addInput(.tensor(TensorType(.float32, [.symbol("n"), 4, 6, 6])), name: "x")
    for (index, layer) in shapes.enumerated() {
      var inputs: [ValueID?] = [value]
      if !layer.weight.isEmpty {
        func size(_ channel: Int) -> Float { layer.name == "expand" ? sizes[channel] : layer.name == "depthwise" ? 1 / sizes[channel] : 1 }
        inputs.append(constant(layer.weight, UInt64(2 * index + 1), size, &rewriter))
        inputs.append(constant([layer.weight[0]], UInt64(2 * index + 2), layer.name == "expand" ? size : { _ in 1 }, &rewriter))
      }
      let node = try rewriter.addNode(layer.operation, inputs, name: layer.name, origin: Origin([layer.name]))
      value = rewriter.graph[node].outputs[0]
    }
    rewriter.setOutputs([value])
    return rewriter.finish()
  }

  private static func context() throws -> CompressionContext {
    let samples = Tensor([32, 4, 6, 6], floats: QuantizationTests.uniform(32 * 144, seed: 7))
    return CompressionContext(calibration: try SampleSet([("x", samples)], source: "x.npz"))
  }

  private static func balance(_ model: inout CompressedModel) throws {
    try Digits.stage(EqualizeStage.self, [("method", .text("channel_ranges"))]).apply(&model, try context())
  }

  @Test(arguments: [UnaryElementwise(.relu), UnaryElementwise(.hardSwish)])
  func resultsStayAndRangesMeet(_ activation: UnaryElementwise) throws {
    var model = CompressedModel(try Self.network(activation))
    try Self.balance(&model)
    #expect(model.graph.verify().isEmpty && model.records.count == 1)
    let batches = try Self.context().calibrationBatches(for: model.graph)
    let depthwise = try #require(model.graph.nodeIDs.first { model.graph[$0].name == "depthwise" })
    let read = try #require(model.graph[depthwise].inputs[0])
    var largest = [Float](repeating: 0, count: 8)
    for batch in batches {
      let before = try #require(Evaluator().run(model.original, inputs: batch)[0].tensor)
      let outputs = try EvaluatorRunner(threads: 1).prepare(model.graph).run(batch) { value, tensor in
        guard value == read, case .float32(let values) = tensor.elements else { return }
        for (index, value) in values.enumerated() { largest[index / 36 % 8] = max(largest[index / 36 % 8], value.magnitude) }
      }
      let after = try #require(outputs[0].tensor)
      #expect(try Comparison(after, before).relativeError < 1e-5)
    }
    let most = try #require(largest.max())
    // A factor is at least a thousandth.
    #expect(largest.allSatisfy { $0 > 0.99 * most || $0 < 2e-3 * most }, "\(largest)")
    // Behind a hard-swish there is a product; behind what commutes with a scaling there is none.
    let products = model.graph.nodeIDs.count { (model.graph[$0].operation as? BinaryElementwise)?.function == .mul }
    #expect(products == (activation.function == .hardSwish ? 1 : 0))
  }

  /// One scale for channels of all sizes loses the small ones; with one range it does not. The product is no place to store at.
  @Test(arguments: [UnaryElementwise(.relu), UnaryElementwise(.hardSwish)])
  func smallChannelsKeepTheirBits(_ activation: UnaryElementwise) throws {
    func run(_ isBalanced: Bool) throws -> (sqnr: Double, stored: [String]) {
      var model = CompressedModel(try Self.network(activation))
      if isBalanced { try Self.balance(&model) }
      var context = try Self.context()
      context.capabilities = PlacementRules.onnxruntime
      try QuantizationTests.stage([
        QuantizationTests.entry("weights", .mapping([])), QuantizationTests.entry("activations", .mapping([])),
      ]).apply(&model, context)
      let accuracy = try AccuracyMeasure().run(model.graph, against: model.original, on: try #require(context.calibration))
      return (try #require(accuracy.sqnrDecibels), StoredValues(model.graph).values.map(\.name))
    }
    let (plain, balanced) = (try run(false), try run(true))
    #expect(balanced.sqnr > plain.sqnr + 3, "\(plain.sqnr) \(balanced.sqnr)")
    #expect(balanced.stored.count == plain.stored.count)
  }

  @Test func aModelWithoutDepthwiseLayersIsLeft() throws {
    var model = try Digits.model()
    let before = GraphText.print(model.graph)
    try Digits.stage(EqualizeStage.self, [("method", .text("channel_ranges"))]).apply(&model, try Digits.context(samples: 8))
    #expect(GraphText.print(model.graph) == before)
    #expect(model.records.last?.action == "nothing to balance")
  }
}
