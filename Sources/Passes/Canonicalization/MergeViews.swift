internal import Basic
internal import IR
internal import Ops

/// Merges chains of views and of transpositions: reshape(reshape(x)) reads x, transpose(transpose(x)) is one transposition.
///
/// A node in the middle of a chain goes when nobody else reads it. Shapes must be numbers.
let mergeViews = GraphPass(
  "merge-views", "Chains of reshapes become one reshape, chains of transpositions one transposition.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [Transpose.self, Reshape.self, Flatten.self, Squeeze.self, Unsqueeze.self]) {
    let node = rewriter.graph[id]
    guard node.operation is Transpose || isReshape(node), let input = node.inputs.first ?? nil,
      let producer = rewriter.graph.producer(input), let source = rewriter.graph[producer].inputs.first ?? nil,
      rewriter.graph[producer].outputs.count == 1
    else { continue }
    var heir = id
    if let outer = node.operation as? Transpose, let inner = rewriter.graph[producer].operation as? Transpose,
      let rank = rewriter.graph.tensorType(input)?.rank
    {
      let reversed = Array((0..<rank).reversed())
      let (first, second) = (inner.permutation ?? reversed, outer.permutation ?? reversed)
      let merged = second.map { first[$0] }
      if merged == Array(0..<rank), !rewriter.isGraphOutput(node.outputs[0]) {
        rewriter.replaceUses(of: node.outputs[0], with: source)
        rewriter.erase(id, reason: "two transpositions that undo each other")
        if rewriter.isDead(input) { rewriter.erase(producer, reason: "two transpositions that undo each other") }
        context.count("view")
        continue
      }
      rewriter.setOperation(Transpose(merged), of: id)
      rewriter.setInput(0, of: id, to: source)
    } else if isReshape(node), isReshape(rewriter.graph[producer]), let shape = rewriter.graph.tensorType(node.outputs[0])?.constantShape,
      !shape.contains(0)
    {
      heir = rewriter.reshape(id, of: source, to: shape)
    } else {
      continue
    }
    if rewriter.isDead(input) { rewriter.erase(producer, reason: "merged into the view after it", heir: heir) }
    context.count("view")
  }
  rewriter.eraseDeadConstants()
}

/// A reshape, or one of the operators that are reshapes by another name.
func isReshape(_ node: Node) -> Bool {
  node.operation is Reshape || node.operation is Flatten || node.operation is Squeeze || node.operation is Unsqueeze
}

extension Rewriter {
  /// A plain reshape of `source` in the place of a view.
  fileprivate mutating func reshape(_ id: NodeID, of source: ValueID, to shape: [Int]) -> NodeID {
    let node = graph[id]
    let target = addConstant(Constant(integers: shape.map(Int64.init)), name: "\(node.name).shape")
    return replace(id, by: Reshape(), [source, target])
  }

  /// Another operator in the place of a node with one output, under its name.
  mutating func replace(_ id: NodeID, by operation: any Operator, _ inputs: [ValueID?]) -> NodeID {
    let node = graph[id]
    let made = addNode(
      operation, inputs, types: [graph[node.outputs[0]].type], name: node.name, origin: node.origin,
      outputNames: [graph[node.outputs[0]].name])
    replaceUses(of: node.outputs[0], with: graph[made].outputs[0])
    erase(id, reason: "rewritten", heir: made)
    return made
  }
}
