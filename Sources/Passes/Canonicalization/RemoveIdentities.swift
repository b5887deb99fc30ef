internal import Basic
internal import IR
internal import Ops

/// Removes nodes that hand their first input on unchanged: identities, casts to the same type, reshapes to the same shape …
let removeIdentities = GraphPass(
  "remove-identities", "Removes nodes that return their input unchanged.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.graph.topologicalOrder() ?? [] {
    let node = rewriter.graph[id]
    guard let input = node.inputs.first ?? nil, let output = node.outputs.first, isIdentity(node, rewriter.graph) else { continue }
    var hasOtherReaders = false
    for other in node.outputs.dropFirst() where !rewriter.isDead(other) { hasOtherReaders = true }
    // A graph input that is also an output must stay behind a node of its own.
    guard !hasOtherReaders, !(rewriter.isGraphOutput(output) && rewriter.graph[input].producer == nil) else { continue }
    rewriter.replaceUses(of: output, with: input)
    rewriter.erase(id, reason: "returns its input unchanged")
    context.count("identity")
  }
}

private func isIdentity(_ node: Node, _ graph: Graph) -> Bool {
  guard let input = graph.tensorType(node.inputs.first ?? nil), let output = graph.tensorType(node.outputs.first) else { return false }
  switch node.operation {
  case is Identity: return true
  case is Cast: return input.element == output.element
  case is Reshape, is Flatten, is Squeeze, is Unsqueeze, is Expand: return input.shape == output.shape && input.element == output.element
  case let transpose as Transpose: return (transpose.permutation ?? Array((0..<input.rank).reversed())) == Array(0..<input.rank)
  case is Concatenate: return node.inputs.count == 1
  default: return false
  }
}
