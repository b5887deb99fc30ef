import IR
import Numerics
import Ops
import Testing

/// The fast path of every computation agrees with the plain loops.
@Suite struct KernelTests {
  private func difference(_ operation: any Operator, _ shapes: [[Int]]) throws -> Double {
    var rewriter = Rewriter(Graph(name: "g"))
    let inputs = shapes.enumerated().map { rewriter.addInput(.tensor(TensorType(.float32, $1)), name: "x\($0)") }
    let node = try rewriter.addNode(operation, inputs, name: "n", origin: Origin(["n"]))
    rewriter.setOutputs(rewriter.graph[node].outputs)
    let graph = rewriter.finish()
    let data = try SeededInputs.inputs(of: graph, seed: 11)
    let fast = try #require(Evaluator(path: .fast).run(graph, inputs: data)[0].tensor)
    let plain = try #require(Evaluator(path: .reference).run(graph, inputs: data)[0].tensor)
    return try Comparison(fast, plain).relativeError
  }

  @Test(arguments: [
    [[5, 7], [7, 3]], [[2, 5, 7], [7, 3]], [[2, 3, 5, 7], [2, 3, 7, 4]], [[2, 1, 5, 7], [3, 7, 4]], [[7], [7, 3]],
    [[5, 7], [7]],
  ])
  func matrixProducts(shapes: [[Int]]) throws {
    #expect(try difference(MatrixMultiply(), shapes) < 1e-5)
  }

  @Test func rowsOfSoftmaxAndNormalisation() throws {
    #expect(try difference(Softmax(axis: -1), [[4, 3, 33]]) < 1e-5)
    #expect(try difference(Softmax(axis: 1), [[4, 3, 33]]) < 1e-5)
    #expect(try difference(LayerNormalization(axis: -1, epsilon: 1e-5), [[4, 3, 32], [32], [32]]) < 1e-5)
    #expect(try difference(LayerNormalization(axis: 1, epsilon: 1e-5), [[4, 3, 32], [3, 32]]) < 1e-5)
  }

  @Test func liveValuesOnly() throws {
    // y = relu(abs(x)), with abs read twice: the evaluator frees it after its last reader and not before.
    var rewriter = Rewriter(Graph(name: "g"))
    let x = rewriter.addInput(.tensor(TensorType(.float32, [3])), name: "x")
    let abs = try rewriter.addNode(UnaryElementwise(.abs), [x], name: "a", origin: Origin())
    let value = rewriter.graph[abs].outputs[0]
    let product = try rewriter.addNode(BinaryElementwise(.mul), [value, value], name: "m", origin: Origin())
    let relu = try rewriter.addNode(UnaryElementwise(.relu), [value], name: "r", origin: Origin())
    rewriter.setOutputs([rewriter.graph[product].outputs[0], rewriter.graph[relu].outputs[0], x])
    let results = try Evaluator.run(rewriter.finish(), inputs: [.tensor(Tensor([3], floats: [-1, 2, -3]))])
    #expect(try results.map { try #require($0.tensor).doubles() } == [[1, 4, 9], [1, 2, 3], [-1, 2, -3]])
  }
}
