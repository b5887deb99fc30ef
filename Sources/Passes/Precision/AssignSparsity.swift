internal import Basic
internal import IR
internal import Ops

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
      let weight = node.inputs[1], let stored = graph.storedWeight(weight)
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
    // Behind a dequantisation both the integers and the real numbers they stand for are sparse.
    for value in Set([stored, weight]).sorted() {
      guard case .tensor(var type) = rewriter.graph[value].type else { continue }
      type.encoding.sparsity = sparsity
      rewriter.setType(.tensor(type), of: value)
    }
  }
}

extension Graph {
  /// The constant that a product reads as its weights, directly or through a dequantisation.
  fileprivate func storedWeight(_ value: ValueID) -> ValueID? {
    if self[value].constant != nil { return value }
    guard let producer = producer(value), self[producer].operation is Dequantize, let source = self[producer].inputs.first ?? nil,
      self[source].constant != nil
    else { return nil }
    return source
  }
}
