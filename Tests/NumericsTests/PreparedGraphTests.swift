import Basic
import IR
import Numerics
import Ops
import Testing

@Suite struct PreparedGraphTests {
  /// relu(x·w + b) with w = 2·v, where v and b are constants.
  private func graph() throws -> (graph: Graph, product: ValueID, weight: ValueID) {
    var rewriter = Rewriter(Graph(name: "g"))
    let x = rewriter.addInput(.tensor(TensorType(.float32, [2, 3])), name: "x")
    let two = rewriter.addConstant(Constant(Tensor([], floats: [2])), name: "two")
    let v = rewriter.addConstant(Constant(Tensor([3, 2], floats: [1, 0, -1, 2, 0.5, 1])), name: "v")
    let b = rewriter.addConstant(Constant(Tensor([2], floats: [1, -1])), name: "b")
    let w = try rewriter.addNode(BinaryElementwise(.mul), [v, two], name: "w", origin: Origin(["w"]))
    let weight = rewriter.graph[w].outputs[0]
    let p = try rewriter.addNode(MatrixMultiply(), [x, weight], name: "p", origin: Origin(["p"]))
    let product = rewriter.graph[p].outputs[0]
    let s = try rewriter.addNode(BinaryElementwise(.add), [product, b], name: "s", origin: Origin(["s"]))
    let r = try rewriter.addNode(UnaryElementwise(.relu), [rewriter.graph[s].outputs[0]], name: "r", origin: Origin(["r"]))
    rewriter.setOutputs(rewriter.graph[r].outputs)
    return (rewriter.finish(), product, weight)
  }

  @Test func runsManyTimesAndCaptures() throws {
    let (graph, product, weight) = try graph()
    let prepared = try PreparedGraph(graph)
    for scale: Float in [1, -2, 3] {
      let x = Datum.tensor(Tensor([2, 3], floats: [1, 2, 3, 4, 5, 6].map { $0 * scale }))
      let results = try prepared.run([x], capturing: [product, weight, graph.inputs[0]])
      #expect(try results.captured[product]?.tensor?.doubles() == [1, 14, 4, 32].map { $0 * Double(scale) })
      #expect(try results.captured[weight]?.tensor?.doubles() == [2, 0, -2, 4, 1, 2])
      #expect(results.captured[graph.inputs[0]]?.tensor?.shape == [2, 3])
      #expect(results.captured.count == 3)
      let expected = [1, 14, 4, 32].enumerated().map { max(0, $1 * Double(scale) + ($0 % 2 == 0 ? 1 : -1)) }
      #expect(try results.outputs[0].tensor?.doubles() == expected)
      #expect(try prepared.run([x])[0].tensor?.doubles() == expected)
    }
  }

  @Test func observesInExecutionOrder() throws {
    let (graph, product, _) = try graph()
    var seen: [ValueID] = []
    let x = Datum.tensor(Tensor([2, 3], floats: [0, 0, 0, 0, 0, 0]))
    _ = try PreparedGraph(graph).run([x], observing: nil) { id, _ in seen.append(id) }
    #expect(seen.first == product)
    #expect(seen.last == graph.outputs[0])
    #expect(seen.count == 3)
  }

  @Test func namesTheNodeThatFails() throws {
    let (graph, _, _) = try graph()
    let prepared = try PreparedGraph(graph)
    #expect(throws: Failure.self) { try prepared.run([]) }
    let failure = #expect(throws: Failure.self) { try prepared.run([.tensor(Tensor([2, 4], floats: [Float](repeating: 0, count: 8)))]) }
    #expect(failure.map { "\($0)".contains("node 'p'") } == true)
  }
}
