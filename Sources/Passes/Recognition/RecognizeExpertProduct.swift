internal import Basic
internal import IR
internal import Ops

/// squeeze(W[ids]·unsqueeze(x)): every row times the weights of its expert, the products of a mixture of experts.
let recognizeExpertProduct = recognizer(
  "recognize-expert-product", "Rows times weights gathered per row, W[ids]·x, become one product over the routed experts.",
  endsAt: [Squeeze()], form: .expertProduct, conditions: Condition.all
) { match, id throws(NearMiss) in
  guard let (squeeze, _, squeezed) = match.made(match.graph[id].outputs[0], by: Squeeze.self),
    let (product, _, node) = match.made(squeezed.inputs[0], by: MatrixMultiply.self), let a = node.inputs[0], let b = node.inputs[1]
  else { return nil }
  for (weights, rows, axis) in [(a, b, 2), (b, a, 1)] {
    guard let chosen = match.chosenExperts(weights) else { continue }
    var covers = [squeeze, product] + chosen.nodes
    guard match.graph.tensorType(rows)?.rank == 3, match.graph.tensorType(rows)?.shape[axis] == 1 else {
      throw NearMiss(Condition.rows, covers)
    }
    guard match.graph.tensorType(chosen.ids)?.rank == 1, match.graph.tensorType(chosen.table)?.rank == 3 else {
      throw NearMiss(Condition.table, covers)
    }
    var x = rows
    var preparations: [Recognition.Preparation] = [.squeeze(input: 0, axis: axis)]
    if let (unsqueeze, _, expanded) = match.made(rows, by: Unsqueeze.self), let source = expanded.inputs[0] {
      covers.append(unsqueeze)
      (x, preparations) = (source, [])
    }
    // W·x has the result's axis before the depth; x·W after it.
    let isTransposed = (axis == 1) != chosen.isTransposed
    return Recognition(
      operation: ExpertProduct(isTransposed: isTransposed, choices: match.choices(chosen.ids)), inputs: [x, chosen.table, chosen.ids],
      result: match.graph[id].outputs[0], covers: covers, preparations: preparations)
  }
  return nil
}

private enum Condition {
  static let rows = "the other operand is not one row per chosen expert"
  static let table = "the experts' weights are not [experts, n, k] chosen by one id per row"
  static let all = [rows, table]
}

extension GraphMatcher {
  /// Experts per token when the ids are a flattened list [tokens, choices]; 1 when nothing says so.
  fileprivate func choices(_ ids: ValueID) -> Int {
    guard let (_, _, node) = made(ids, by: Reshape.self), let list = node.inputs[0], let type = graph.tensorType(list), type.rank == 2
    else { return 1 }
    return type.shape[1].constant ?? 1
  }

  /// Constant weights chosen along their first axis, possibly with their last two axes exchanged.
  fileprivate func chosenExperts(_ value: ValueID) -> (table: ValueID, ids: ValueID, isTransposed: Bool, nodes: [NodeID])? {
    if let (id, op, node) = made(value, by: Transpose.self), op.permutation == [0, 2, 1], let input = node.inputs[0],
      let inner = chosenExperts(input)
    {
      return (inner.table, inner.ids, !inner.isTransposed, inner.nodes + [id])
    }
    guard let (id, op, node) = made(value, by: Gather.self), op.axis == 0, let table = node.inputs[0], let ids = node.inputs[1],
      graph.constant(table) != nil
    else { return nil }
    return (table, ids, false, [id])
  }
}
