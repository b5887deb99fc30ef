extension Graph {
  /// True for a constant of the model and for what only gives one another type, such as the real numbers that stored weights
  /// stand for: whoever reads such a value reads weights.
  package func isConstant(_ id: ValueID?) -> Bool {
    guard let id else { return false }
    if self[id].constant != nil { return true }
    guard let producer = producer(id) else { return false }
    let node = self[producer]
    guard node.regions.isEmpty, !node.inputs.isEmpty, !node.operation.isNondeterministic else { return false }
    return node.inputs.allSatisfy { $0 == nil || constant($0) != nil }
  }

  /// Operand types of a node of this graph, as its computation wants them.
  package func operandTypes(of node: Node) -> OperandTypes {
    OperandTypes(
      inputs: node.inputs.map { $0.map { self[$0].type } }, outputs: node.outputs.map { self[$0].type },
      isConstant: node.inputs.map { isConstant($0) }, contents: node.inputs.map { constant($0)?.shapeContents },
      regions: node.regions.map { region in
        (region.topologicalOrder() ?? []).compactMap { region.computation(of: region[$0]) }
      })
  }

  /// What machines see of a node; nil when it cannot be told (unbound dimensions, a fused group).
  package func computation(of node: Node) -> Computation? {
    guard node.operation.fusionRule == nil else { return nil }
    return try? node.operation.computation(operandTypes(of: node))
  }
}
