internal import Basic
internal import IR
internal import Ops

/// An einsum of two tensors that is a product of matrices, one for each index they share with the result, becomes that product.
///
/// Before `%2 = einsum(%0, %1) "bct,bcs->bts"`; after `%2 = matmul(transpose(%0), %1)`. Transpositions stand in front of the operands and,
/// where the equation asks for columns before rows, behind the product. More than one index that is summed over, or that only one
/// operand has, stays an einsum.
let spellEinsums = GraphPass(
  "spell-einsums", "An einsum that is a product of matrices becomes one.", preserves: .values(relative: 1e-5)
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [Einsum.self]) {
    let node = rewriter.graph[id]
    guard let product = MatrixProduct(node, rewriter.graph), let a = node.inputs[0], let b = node.inputs[1],
      case .tensor(var type) = rewriter.graph[node.outputs[0]].type
    else { continue }
    let operands = [rewriter.transposed(a, product.left, "\(node.name).left"), rewriter.transposed(b, product.right, "\(node.name).right")]
    guard let back = product.result else {
      _ = rewriter.replace(id, by: MatrixMultiply(), operands)
      context.count("einsum")
      continue
    }
    // Axis i of the product is axis back[i] of the result.
    let wanted = type.shape
    for (position, axis) in back.enumerated() { type.shape[axis] = wanted[position] }
    let multiply = rewriter.addNode(
      MatrixMultiply(), operands, types: [.tensor(type)], name: "\(node.name).product", origin: Origin())
    _ = rewriter.replace(id, by: Transpose(back), [rewriter.graph[multiply].outputs[0]])
    context.count("einsum")
  }
}

/// How the axes of an einsum's operands and result lie in a product of matrices; nil where they are in place.
private struct MatrixProduct {
  var left: [Int]?
  var right: [Int]?
  var result: [Int]?

  init?(_ node: Node, _ graph: Graph) {
    guard let einsum = node.operation(as: Einsum.self), node.inputs.count == 2, let a = graph.tensorType(node.inputs[0]),
      let b = graph.tensorType(node.inputs[1]), let equation = try? EinsumEquation(einsum.equation, ranks: [a.rank, b.rank])
    else { return nil }
    let (first, second, result) = (equation.terms[0], equation.terms[1], equation.result)
    guard [first, second, result].allSatisfy({ Set($0).count == $0.count }) else { return nil }
    let shared = result.filter { first.contains($0) && second.contains($0) }
    let rows = result.filter { first.contains($0) && !second.contains($0) }
    let columns = result.filter { second.contains($0) && !first.contains($0) }
    let summed = first.filter { second.contains($0) && !result.contains($0) }
    // Without shared indices the right operand is one matrix, and the left one may have any number of rows.
    guard a.encoding == .dense, b.encoding == .dense, columns.count == 1, summed.count == 1,
      rows.count == 1 || (shared.isEmpty && !rows.isEmpty), first.count == shared.count + rows.count + 1,
      second.count == shared.count + 2,
      shared.allSatisfy({ Self.extent($0, first, a) == Self.extent($0, second, b) })
    else { return nil }
    left = Self.order(from: first, to: shared + rows + summed)
    right = Self.order(from: second, to: shared + summed + columns)
    self.result = Self.order(from: shared + rows + columns, to: result)
  }

  private static func extent(_ label: EinsumEquation.Label, _ term: [EinsumEquation.Label], _ type: TensorType) -> Dimension? {
    term.firstIndex(of: label).map { type.shape[$0] }
  }

  /// The permutation between two orders of the same labels; nil when they are equal.
  private static func order(from: [EinsumEquation.Label], to: [EinsumEquation.Label]) -> [Int]? {
    from == to ? nil : to.compactMap { from.firstIndex(of: $0) }
  }
}

extension Rewriter {
  /// The value with its axes in another order; itself when they are in place.
  fileprivate mutating func transposed(_ value: ValueID, _ permutation: [Int]?, _ name: String) -> ValueID? {
    guard let permutation, case .tensor(var type) = graph[value].type else { return value }
    type.shape = permutation.map { type.shape[$0] }
    let node = addNode(Transpose(permutation), [value], types: [.tensor(type)], name: name, origin: Origin())
    return graph[node].outputs[0]
  }
}
