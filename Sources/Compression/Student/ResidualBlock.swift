package import IR

/// A sum x + f(x) whose second part could be left out.
package struct ResidualBlock: Sendable {
  /// The node that adds.
  package let sum: NodeID
  /// x: what passes by.
  package let skip: ValueID
  package let output: ValueID

  /// Sums in execution order one of whose operands is made from the other, with equal types.
  package static func all(in graph: Graph) -> [ResidualBlock] {
    var ancestors: [ValueID: Set<ValueID>] = [:]
    var blocks: [ResidualBlock] = []
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      let inputs = node.inputs.compactMap(\.self).filter { graph[$0].constant == nil }
      let known = inputs.reduce(into: Set(inputs)) { $0.formUnion(ancestors[$1] ?? []) }
      for output in node.outputs { ancestors[output] = known }
      guard inputs.count == 2, inputs[0] != inputs[1], node.outputs.count == 1, isSum(node, graph) else { continue }
      for (skip, branch) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])]
      where ancestors[branch]?.contains(skip) == true && graph[skip].type == graph[node.outputs[0]].type {
        blocks.append(ResidualBlock(sum: id, skip: skip, output: node.outputs[0]))
        break
      }
    }
    return blocks
  }

  private static func isSum(_ node: Node, _ graph: Graph) -> Bool {
    guard case .pointwise(let sum)? = try? node.operation.computation(graph.operandTypes(of: node).bindingSymbols(to: 1)) else {
      return false
    }
    return sum.function == "add"
  }
}
