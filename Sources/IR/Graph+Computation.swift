extension Graph {
  /// Operand types of a node of this graph, as its computation wants them.
  package func operandTypes(of node: Node) -> OperandTypes {
    OperandTypes(
      inputs: node.inputs.map { $0.map { self[$0].type } }, outputs: node.outputs.map { self[$0].type },
      isConstant: node.inputs.map { constant($0) != nil }, contents: node.inputs.map { constant($0)?.shapeContents },
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
