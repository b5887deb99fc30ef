import Basic
import IR
import Ops
import Testing

@testable import Compression

/// Ranges that follow what readers tell apart, and more bits where the outputs feel the rounding.
@Suite("Activation ranges")
struct ActivationRangeTests {
  /// y = act(x·a)·b with numbers of a that drive x·a far beyond −3 and 3.
  private func block(_ activation: any Operator, _ bounds: [Float] = []) throws -> (model: CompressedModel, hidden: ValueID) {
    var rewriter = Rewriter(Graph(name: "block"))
    let x = rewriter.addInput(.tensor(TensorType(.float32, [.symbol("n"), 16])), name: "x")
    let a = rewriter.addConstant(Constant(Tensor([16, 16], floats: QuantizationTests.uniform(256, seed: 3).map { $0 * 6 })), name: "a")
    let b = rewriter.addConstant(Constant(Tensor([16, 4], floats: QuantizationTests.uniform(64, seed: 4))), name: "b")
    var limits: [ValueID] = []
    for bound in bounds { limits.append(rewriter.addConstant(Constant(Tensor([], floats: [bound])), name: "bound\(limits.count)")) }
    let hidden = try Self.add(MatrixMultiply(), [x, a], "expand", &rewriter)
    let active = try Self.add(activation, [hidden] + limits, "act", &rewriter)
    rewriter.setOutputs([try Self.add(MatrixMultiply(), [active, b], "project", &rewriter)])
    return (CompressedModel(rewriter.finish()), hidden)
  }

  private static func add(
    _ operation: any Operator, _ inputs: [ValueID], _ name: String, _ rewriter: inout Rewriter
  ) throws -> ValueID {
    let node = try rewriter.addNode(operation, inputs.map { $0 }, name: name, origin: Origin([name]))
    return rewriter.graph[node].outputs[0]
  }

  private func context() throws -> CompressionContext {
    let samples = Tensor([64, 16], floats: QuantizationTests.uniform(64 * 16, seed: 5))
    var context = CompressionContext(calibration: try SampleSet([("x", samples)], source: "block.npz"))
    // Nothing is fused, so that what the activation reads is stored.
    context.capabilities = Capabilities(
      epilogueFunctions: [], fusesResidual: false, fusesPointwiseChains: false, fusesReductionSinks: false)
    return context
  }

  /// Smallest and largest number that eight bits of the activation's input can say.
  private func storedRange(_ activation: any Operator, _ bounds: [Float] = []) throws -> (low: Double, high: Double) {
    var (model, hidden) = try block(activation, bounds)
    try QuantizationTests.stage([
      QuantizationTests.entry("weights", .mapping([])), QuantizationTests.entry("activations", .mapping([])),
    ]).apply(&model, try context())
    let name = model.original[hidden].name
    let stored = try #require(StoredValues(model.graph).values.first { $0.name == name })
    return ((0 - stored.zero) * Double(stored.scale), (255 - stored.zero) * Double(stored.scale))
  }

  @Test func flatSidesOfReadersTakeNoNumbers() throws {
    let (low, high) = try storedRange(UnaryElementwise(.tanh))
    #expect(low < -6 && high > 6, "the data must leave the flat sides: \(low) … \(high)")
    let swish = try storedRange(UnaryElementwise(.hardSwish))
    #expect(abs(swish.low + 3) < 0.05 && swish.high > 6, "\(swish)")
    let sigmoid = try storedRange(ParametricUnary(.hardSigmoid, alpha: 0.25, beta: 0.5))
    #expect(abs(sigmoid.low + 2) < 0.02 && abs(sigmoid.high - 2) < 0.02, "\(sigmoid)")
    let clamp = try storedRange(Clip(), [-1, 4])
    #expect(abs(clamp.low + 1) < 0.02 && abs(clamp.high - 4) < 0.02, "\(clamp)")
  }

  @Test func aSecondReaderThatNeedsEverythingKeepsTheRange() throws {
    var (model, hidden) = try block(UnaryElementwise(.hardSwish))
    var rewriter = Rewriter(model.graph)
    let sum = try rewriter.addNode(UnaryElementwise(.abs), [hidden], name: "abs", origin: Origin(["abs"]))
    rewriter.setOutputs(model.graph.outputs + [rewriter.graph[sum].outputs[0]])
    model = CompressedModel(rewriter.finish())
    #expect(GraphFacts(model.graph).distinguishedRange(of: hidden) == -Double.infinity...Double.infinity)
    #expect(GraphFacts(model.graph).distinguishedRange(of: model.graph.inputs[0]) == -Double.infinity...Double.infinity)
  }

  @Test func theFewestThatReachTheShareAreChosen() throws {
    var rewriter = Rewriter(Graph(name: "values"))
    var values: [ValueID] = []
    for index in 0..<4 { values.append(rewriter.addInput(.tensor(TensorType(.float32, [1])), name: "v\(index)")) }
    let noise = Dictionary(uniqueKeysWithValues: zip(values, [1.0, 5, 1, 3]))
    #expect(ActivationSensitivity.loudest(noise, share: 0) == [])
    #expect(ActivationSensitivity.loudest(noise, share: 0.5) == [values[1]])
    #expect(ActivationSensitivity.loudest(noise, share: 0.51) == [values[1], values[3]])
    // Equal noise goes by position, so that two runs agree.
    #expect(ActivationSensitivity.loudest(noise, share: 1) == [values[1], values[3], values[0], values[2]])
  }

  /// The digits network: the loudest tensors in 16 bits take most of the noise with them.
  @Test func sensitiveActivationsGetMoreBits() throws {
    func run(_ more: [OptionEntry]) throws -> (noise: Double, wide: Int, stored: Int) {
      var model = try Digits.model()
      let context = try Digits.context(samples: 64)
      try QuantizationTests.stage([
        QuantizationTests.entry("weights", .mapping([])), QuantizationTests.entry("activations", .mapping(more)),
      ]).apply(&model, context)
      let accuracy = try AccuracyMeasure().run(model.graph, against: model.original, on: try #require(context.calibration))
      let records = model.records.filter { $0.action.hasPrefix("stored as") }
      let wide = records.filter { $0.action == "stored as uint16 tensor" }
      #expect(wide.allSatisfy { $0.reason?.contains("of the outputs' noise") == true })
      return (accuracy.sqnrDecibels ?? 0, wide.count, records.count)
    }
    let plain = try run([])
    let wish = QuantizationTests.entry("sensitive", .mapping([QuantizationTests.entry("noise", .number(0.8))]))
    let mixed = try run([wish])
    #expect(plain.wide == 0 && mixed.wide > 0 && mixed.wide < mixed.stored)
    #expect(mixed.noise > plain.noise + 2, "\(plain) \(mixed)")
  }

  @Test func moreBitsNeedKnownScales() {
    #expect(throws: Failure.self) {
      try QuantizationTests.stage([
        QuantizationTests.entry(
          "activations", .mapping([QuantizationTests.entry("dynamic", .flag(true)), QuantizationTests.entry("sensitive", .mapping([]))]))
      ])
    }
  }

  /// One property says which functions run on stored integers, for placement and for assumed precisions.
  @Test func functionsSayHowTheyRunOnStoredIntegers() {
    #expect(BinaryElementwise(.add).storedForm == .rescaled && BinaryElementwise(.div).storedForm == nil)
    #expect(UnaryElementwise(.sigmoid).storedForm == .table && UnaryElementwise(.erf).storedForm == nil)
    #expect(Clip().storedForm == .rescaled && Gelu(.erf).storedForm == nil)
  }
}
