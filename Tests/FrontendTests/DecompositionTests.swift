import Foundation
import Frontend
import IR
import Numerics
import Ops
import Testing

/// Operators that the written ONNX version lacks compute the same after writing and reading.
@Suite struct DecompositionTests {
  struct Case: CustomTestStringConvertible {
    let name: String
    let operation: any Operator
    /// Nil for an input that is absent.
    let inputs: [TensorType?]
    var testDescription: String { name }
  }

  private static func floats(_ shape: [Int]) -> TensorType { TensorType(.float32, shape) }

  static let cases: [Case] = [
    Case(
      name: "attention", operation: ScaledDotProductAttention(),
      inputs: [floats([2, 4, 3, 8]), floats([2, 4, 5, 8]), floats([2, 4, 5, 6])]),
    Case(
      name: "causal attention over shared keys", operation: ScaledDotProductAttention(isCausal: true, scale: 0.5),
      inputs: [floats([1, 4, 3, 8]), floats([1, 2, 5, 8]), floats([1, 2, 5, 8])]),
    Case(
      name: "windowed attention over one key head with a mask", operation: ScaledDotProductAttention(window: 2),
      inputs: [floats([1, 4, 5, 8]), floats([1, 1, 5, 8]), floats([1, 1, 5, 8]), floats([5, 5])]),
    Case(
      name: "causal attention over shared keys with sinks", operation: ScaledDotProductAttention(isCausal: true),
      inputs: [floats([2, 4, 3, 8]), floats([2, 2, 3, 8]), floats([2, 2, 3, 8]), nil, floats([4, 1, 1])]),
    Case(
      name: "masked attention with a sink per query", operation: ScaledDotProductAttention(),
      inputs: [floats([2, 2, 3, 8]), floats([2, 2, 5, 8]), floats([2, 2, 5, 8]), floats([3, 5]), floats([2, 1, 3, 1])]),
    Case(
      name: "RMS norm", operation: RootMeanSquareNormalization(axis: -1), inputs: [floats([2, 3, 8]), floats([8])]),
    Case(
      name: "RMS norm of two axes", operation: RootMeanSquareNormalization(axis: 1),
      inputs: [floats([2, 3, 8]), floats([3, 8])]),
    Case(
      name: "softmax of flattened axes", operation: Softmax(.softmax, axis: 1, isFlattened: true),
      inputs: [floats([2, 3, 4])]),
    Case(
      name: "log softmax of flattened axes", operation: Softmax(.logarithm, axis: 0, isFlattened: true),
      inputs: [floats([2, 3])]),
    Case(name: "GELU with a bias", operation: Gelu(.erf), inputs: [floats([2, 3, 8]), floats([8])]),
    Case(name: "logistic GELU with a bias", operation: Gelu(.logistic), inputs: [floats([2, 8]), floats([8])]),
    Case(
      name: "group norm of images with channels last and a SiLU",
      operation: ImageGroupNormalization(groups: 2, layout: .channelsLast, appliesSiLU: true),
      inputs: [floats([2, 3, 5, 4]), floats([4]), floats([4])]),
    Case(
      name: "group norm of images with channels first", operation: ImageGroupNormalization(groups: 2, layout: .channelsFirst),
      inputs: [floats([2, 4, 3, 5]), floats([4]), floats([4])]),
    Case(name: "length of at least a half", operation: LpNormalization(axis: 1, epsilon: 0.5), inputs: [floats([2, 3, 8])]),
    Case(name: "sum of magnitudes", operation: LpNormalization(axis: -1, p: 1, epsilon: 0), inputs: [floats([2, 3, 8])]),
    Case(
      name: "norm of the channels of an image", operation: MeanVarianceNormalization(axes: [1], epsilon: 0.1),
      inputs: [floats([2, 4, 3, 5])]),
    Case(
      name: "rotation of halves", operation: RotaryEmbedding(), inputs: [floats([2, 3, 5, 8]), nil, floats([5, 4]), floats([5, 4])]),
    Case(
      name: "rotation of the first neighbours by tables per image", operation: RotaryEmbedding(isInterleaved: true, rotated: 4),
      inputs: [floats([2, 3, 5, 8]), nil, floats([2, 5, 2]), floats([2, 5, 2])]),
    Case(
      name: "rotation of halves behind positions", operation: RotaryEmbedding(heads: 3, scale: 0.5),
      inputs: [floats([2, 5, 12]), nil, floats([5, 2]), floats([5, 2])]),
    Case(
      name: "rotation of the first neighbours behind positions", operation: RotaryEmbedding(isInterleaved: true, heads: 3, rotated: 2),
      inputs: [floats([2, 5, 12]), nil, floats([2, 5, 1]), floats([2, 5, 1])]),
    Case(name: "SiLU", operation: UnaryElementwise(.silu), inputs: [floats([2, 9])]),
  ]

  @Test(arguments: cases) func computesTheSame(_ example: Case) throws {
    var rewriter = Rewriter(Graph(name: "g"))
    let inputs = example.inputs.enumerated().map { position, type in type.map { rewriter.addInput(.tensor($0), name: "x\(position)") } }
    let node = try rewriter.addNode(example.operation, inputs, name: "n", origin: Origin(["n"]))
    rewriter.setOutputs(rewriter.graph[node].outputs)
    let graph = rewriter.finish()

    let path = FileManager.default.temporaryDirectory.appending(path: "decomposed-\(UUID().uuidString).onnx").path(
      percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ONNXExporter.write(graph, to: path)
    let back = try ONNXImporter.load(path: path)
    #expect(back.verify().isEmpty)
    #expect(back.nodeIDs.allSatisfy { back[$0].origin.names == ["n"] })

    let data = try SeededInputs.inputs(of: graph, seed: 5)
    let before = try Evaluator(path: .reference).run(graph, inputs: data)
    let after = try Evaluator(path: .reference).run(back, inputs: data)
    #expect(mismatch(after[0], before[0], relative: 1e-5, absolute: 1e-6) == nil)
  }
}
