internal import Basic
internal import IR
internal import Ops

/// Common subexpressions: a node with the operator and inputs of an earlier one hands its readers over to it.
///
/// Small integer constants with equal contents count as equal inputs. Nodes with bodies and random ones stay.
let mergeEqualNodes = GraphPass(
  "merge-equal-nodes", "A node with the operator and inputs of an earlier one is computed once.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  var first: [Key: NodeID] = [:]
  var constants: [Constant: ValueID] = [:]
  let order = rewriter.executionOrder()
  first.reserveCapacity(order.count)
  for id in order {
    let node = rewriter.graph[id]
    guard node.regions.isEmpty, !node.operation.isNondeterministic else { continue }
    let inputs = node.inputs.map { input -> ValueID? in
      guard let input, !rewriter.isMade(input), let constant = rewriter.graph[input].constant, constant.shapeContents != nil else {
        return input
      }
      if let known = constants[constant] { return known }
      constants[constant] = input
      return input
    }
    let operation = node.operation
    let key = Key(operation: operation, inputs: inputs, outputCount: node.outputs.count)
    guard let earlier = first[key] else {
      first[key] = id
      continue
    }
    let outputs = rewriter.graph[earlier].outputs
    guard canReplace(node.outputs, by: outputs, rewriter) else { continue }
    for (old, new) in zip(node.outputs, outputs) { rewriter.replaceUses(of: old, with: new) }
    rewriter.erase(id, reason: "computed once", heir: earlier)
    context.count("duplicate")
  }
  rewriter.eraseDeadConstants()
}

/// Equal types; and two outputs of the graph keep a node each.
private func canReplace(_ old: [ValueID], by new: [ValueID], _ rewriter: borrowing Rewriter) -> Bool {
  let graph = rewriter.graph
  for (a, b) in zip(old, new) where rewriter.isGraphOutput(a) || graph[a].type != graph[b].type { return false }
  return true
}

private struct Key: Hashable {
  var operation: any Operator
  var inputs: [ValueID?]
  var outputCount: Int

  static func == (a: Self, b: Self) -> Bool {
    a.inputs == b.inputs && a.outputCount == b.outputCount && a.operation.isEqual(to: b.operation)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(type(of: operation)))
    operation.hash(into: &hasher)
    hasher.combine(inputs)
    hasher.combine(outputCount)
  }
}
