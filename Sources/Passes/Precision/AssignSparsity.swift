internal import Basic
internal import IR

/// Marks the weights of contractions as structured sparse where the reduction axis allows it (what-if, no retraining).
///
/// A convolution is pruned along input channels × taps, a matrix product along k. Weights whose reduction length is not a
/// multiple of the group, and depthwise convolutions, stay dense with the reason in the ledger.
package let assignSparsity = GraphPass(
  "assign-sparsity", "Assumes structured sparsity of contraction weights (what-if).", preserves: .lossy
) { rewriter, context throws(Failure) in
  guard let sparsity = context.sparsity, case .structured(_, let of) = sparsity else { return }
  let graph = rewriter.graph
  for id in graph.nodeIDs {
    let node = graph[id]
    guard case .contraction(let contraction)? = graph.computation(of: node), node.inputs.count >= 2,
      let weight = node.inputs[1], graph[weight].constant != nil, case .tensor(var type) = graph[weight].type
    else { continue }
    if let convolution = contraction.convolution, convolution.isDepthwise {
      context.ledger.miss("sparsity", node.origin.names, "a depthwise convolution reduces over \(contraction.k) taps per channel only")
      continue
    }
    guard contraction.k % of == 0, contraction.k >= of else {
      context.ledger.miss("sparsity", node.origin.names, "the reduction length \(contraction.k) is not a multiple of \(of)")
      continue
    }
    guard context.denseLayers.isDisjoint(with: node.origin.names) else { continue }
    type.encoding.sparsity = sparsity
    rewriter.setType(.tensor(type), of: weight)
  }
}
