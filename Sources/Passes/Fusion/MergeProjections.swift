internal import Basic
internal import IR
internal import Ops

/// Products of one tensor with several constant weights become one product over all their columns: Q, K and V; gate and up.
///
/// Before `matmul(x, wq) + bq`, `matmul(x, wk) + bk`, `matmul(x, wv) + bv`; after one `projections(x, wq, bq, wk, bk, wv, bv)`
/// with three results. Weights stay as they are, so that precision and sparsity of each are kept and nothing is copied.
let mergeProjections = GraphPass(
  "merge-projections", "Products of one tensor with several weights (Q, K, V; gate and up) run as one.",
  preserves: .values(relative: 1e-5), conditions: Condition.all
) { rewriter, context throws(Failure) in
  for value in rewriter.graph.valueIDs where rewriter.users(of: value).count > 1 {
    let found = projections(of: value, rewriter)
    guard found.count > 1 else { continue }
    let names = rewriter.graph.originNames(of: found.flatMap(\.nodes))
    if let reason = obstacle(found, rewriter, context.capabilities) {
      context.ledger.miss("merge-projections", names, reason)
      continue
    }
    rewriter.merge(found, of: value)
    context.ledger.apply("merge-projections", names)
    context.count("projection")
  }
}

private enum Condition {
  static let target = "the target runs products of one tensor one by one"
  static let encodings = "the weights are stored in different formats"
  static let meeting = "two of the products meet in one elementwise step, which fuses behind the second"
  static let all = [target, encodings, meeting]
}

private struct Projection {
  var nodes: [NodeID]
  var weight: ValueID
  var bias: ValueID?
  var result: ValueID
}

/// Matrix products whose left operand is the value and whose right one is a constant matrix, each with its bias.
private func projections(of value: ValueID, _ rewriter: borrowing Rewriter) -> [Projection] {
  let graph = rewriter.graph
  var result: [Projection] = []
  for user in Set(rewriter.users(of: value)).sorted() {
    let node = graph[user]
    guard node.operation is MatrixMultiply, node.inputs.first == value, let weight = node.inputs[1], graph.constant(weight) != nil,
      graph.tensorType(weight)?.rank == 2
    else { continue }
    var projection = Projection(nodes: [user], weight: weight, bias: nil, result: node.outputs[0])
    if let reader = rewriter.soleUser(of: node.outputs[0]), let sum = graph[reader].operation as? BinaryElementwise, sum.function == .add,
      graph[reader].inputs.first == node.outputs[0], let bias = graph[reader].inputs[1], graph.constant(bias) != nil,
      graph.tensorType(bias)?.shape == graph.tensorType(weight).map({ [$0.shape[1]] })
    {
      (projection.bias, projection.result) = (bias, graph[reader].outputs[0])
      projection.nodes.append(reader)
    }
    result.append(projection)
  }
  return result
}

private func obstacle(_ found: [Projection], _ rewriter: borrowing Rewriter, _ capabilities: Capabilities) -> String? {
  guard capabilities.mergesProjections else { return Condition.target }
  let encodings = found.compactMap { rewriter.graph.tensorType($0.weight)?.encoding }
  guard encodings.allSatisfy({ $0 == encodings.first }) else { return Condition.encodings }
  var seen: Set<NodeID> = []
  for projection in found {
    let readers = Set(rewriter.users(of: projection.result))
    guard seen.isDisjoint(with: readers) else { return Condition.meeting }
    seen.formUnion(readers)
  }
  return nil
}

extension Rewriter {
  fileprivate mutating func merge(_ found: [Projection], of value: ValueID) {
    guard let first = found.first else { return }
    var inputs: [ValueID?] = [value]
    for projection in found { inputs += [projection.weight, projection.bias] }
    let node = addNode(
      ProjectionGroup(count: found.count), inputs, types: found.map { graph[$0.result].type }, name: graph[first.nodes[0]].name,
      origin: Origin(), outputNames: found.map { graph[$0.result].name })
    for (index, projection) in found.enumerated() { replaceUses(of: projection.result, with: graph[node].outputs[index]) }
    for projection in found {
      for id in projection.nodes.reversed() { erase(id, reason: "merged", heir: node) }
    }
  }
}
