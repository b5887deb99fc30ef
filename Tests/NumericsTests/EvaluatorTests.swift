import IR
import Numerics
import Ops
import Testing

@Suite struct EvaluatorTests {
  @Test func fastAndReferencePathsAgreeOnConvolutions() throws {
    for (stride, pad, groups, dilation) in [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 4, 2), (2, 1, 4, 1), (3, 0, 2, 1)] {
      var rewriter = Rewriter(Graph(name: "g"))
      let x = rewriter.addInput(.tensor(TensorType(.float32, [2, 4, 9, 11])), name: "x")
      let w = rewriter.addInput(.tensor(TensorType(.float32, [8, 4 / groups, 3, 3])), name: "w")
      let conv = Convolve(
        strides: [stride, stride], dilations: [dilation, dilation], pads: [pad, pad, pad, pad], groups: groups)
      let node = try rewriter.addNode(conv, [x, w], name: "c", origin: Origin(["c"]))
      rewriter.setOutputs(rewriter.graph[node].outputs)
      let graph = rewriter.finish()
      let inputs = try SeededInputs.inputs(of: graph, seed: 3)
      let fast = try #require(Evaluator(path: .fast).run(graph, inputs: inputs)[0].tensor)
      let plain = try #require(Evaluator(path: .reference).run(graph, inputs: inputs)[0].tensor)
      let difference = try Comparison(fast, plain)
      #expect(difference.relativeError < 1e-5)
    }
  }

  @Test func seededTensorsAreDeterministic() throws {
    let type = TensorType(.float16, [3, 5])
    let one = try SeededInputs.tensor(type, seed: 7, isWeight: true).doubles()
    #expect(try SeededInputs.tensor(type, seed: 7, isWeight: true).doubles() == one)
    #expect(try SeededInputs.tensor(type, seed: 8, isWeight: true).doubles() != one)
  }

  @Test func comparisonKnowsNoise() throws {
    let a = Tensor([2], floats: [1, 2])
    #expect(try Comparison(a, a).signalToNoise == .infinity)
    let off = try Comparison(Tensor([2], floats: [1, 2.02]), a)
    #expect(abs(off.relativeError - 0.01) < 1e-6)
    #expect(
      mismatch(
        .tensor(Tensor([2], floats: [1, .nan])), .tensor(Tensor([2], floats: [1, .nan])), relative: 0, absolute: 0)
        == nil)
  }
}
