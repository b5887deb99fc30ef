internal import Basic
internal import IR
internal import Ops

/// Merges chains of views and of transpositions: reshape(reshape(x)) reads x, transpose(transpose(x)) is one transposition.
///
/// Only the last of a chain stays; the others go when nobody else reads them. Shapes must be numbers.
let mergeViews = GraphPass(
  "merge-views", "Chains of reshapes become one reshape, chains of transpositions one transposition.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.graph.topologicalOrder() ?? [] {
    let node = rewriter.graph[id]
    guard let input = node.inputs.first ?? nil, let producer = rewriter.graph.producer(input), rewriter.soleUser(of: input) != nil,
      let source = rewriter.graph[producer].inputs.first ?? nil, rewriter.graph[producer].outputs.count == 1
    else { continue }
    if let outer = node.operation as? Transpose, let inner = rewriter.graph[producer].operation as? Transpose,
      let rank = rewriter.graph.tensorType(input)?.rank
    {
      let reversed = Array((0..<rank).reversed())
      let (first, second) = (inner.permutation ?? reversed, outer.permutation ?? reversed)
      rewriter.setOperation(Transpose(second.map { first[$0] }), of: id)
      rewriter.setInput(0, of: id, to: source)
    } else if isReshape(node), isReshape(rewriter.graph[producer]), let shape = rewriter.graph.tensorType(node.outputs[0])?.constantShape,
      !shape.contains(0)
    {
      let target = rewriter.addConstant(Constant(integers: shape.map(Int64.init)), name: "\(node.name).shape")
      let merged = rewriter.addNode(
        Reshape(), [source, target], types: [rewriter.graph[node.outputs[0]].type], name: node.name, origin: node.origin,
        outputNames: [rewriter.graph[node.outputs[0]].name])
      rewriter.replaceUses(of: node.outputs[0], with: rewriter.graph[merged].outputs[0])
      rewriter.erase(id, reason: "merged", heir: merged)
      rewriter.erase(producer, reason: "merged into the view after it", heir: merged)
      context.count("view")
      continue
    } else {
      continue
    }
    rewriter.erase(producer, reason: "merged into the view after it", heir: id)
    context.count("view")
  }
  rewriter.eraseDeadConstants()
}

private func isReshape(_ node: Node) -> Bool {
  node.operation is Reshape || node.operation is Flatten || node.operation is Squeeze || node.operation is Unsqueeze
}
