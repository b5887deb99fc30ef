internal import Basic
internal import IR
internal import Ops

/// squeeze(unsqueeze(x) + m) is x + squeeze(m): a mask added in a shape with one axis more is added without it.
let sinkViews = GraphPass(
  "sink-views", "A view around one elementwise step and its inverse behind it move to the other operand.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [Squeeze.self]) {
    let node = rewriter.graph[id]
    guard node.operation is Squeeze, let sum = node.inputs[0], let axesValue = node.inputs.count > 1 ? node.inputs[1] : nil,
      let (step, binary) = rewriter.graph.producer(sum, as: BinaryElementwise.self), rewriter.soleUser(of: sum) != nil,
      let axes = axes(rewriter.graph, axesValue), let (x, position) = lifted(rewriter.graph, step, axes)
    else { continue }
    let other = rewriter.graph[step].inputs[1 - position]
    guard let other, let type = rewriter.graph.tensorType(other), let whole = rewriter.graph.tensorType(sum), type.rank == whole.rank,
      axes.allSatisfy({ $0 >= 0 && type.shape[$0] == 1 }),
      let view = try? rewriter.addNode(Squeeze(), [other, axesValue], name: "\(node.name).operand", origin: Origin())
    else { continue }
    let lowered = rewriter.graph[view].outputs[0]
    let made = rewriter.replace(id, by: binary, position == 0 ? [x, lowered] : [lowered, x])
    rewriter.erase(step, reason: "moved behind the view", heir: made)
    context.count("view")
  }
}

private func axes(_ graph: Graph, _ value: ValueID) -> [Int]? {
  graph.constant(value)?.shapeContents?.compactMap(\.constant)
}

/// The operand of the step that gained exactly these axes, and which one it is.
private func lifted(_ graph: Graph, _ step: NodeID, _ wanted: [Int]) -> (x: ValueID, position: Int)? {
  for position in 0..<min(2, graph[step].inputs.count) {
    guard let (producer, _) = graph.producer(graph[step].inputs[position], as: Unsqueeze.self), let x = graph[producer].inputs[0],
      let added = graph[producer].inputs[1].flatMap({ axes(graph, $0) }), added == wanted
    else { continue }
    return (x, position)
  }
  return nil
}
