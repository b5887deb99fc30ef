internal import IR

/// What placement asks about a graph: readers, order, and computations with unbound dimensions taken as one sample.
struct GraphFacts {
  let graph: Graph
  let order: [NodeID]
  private let users: [[NodeID]]
  private let outputs: Set<ValueID>
  private let extents: [String: Int]

  init(_ graph: Graph) {
    self.graph = graph
    order = graph.topologicalOrder() ?? []
    users = graph.usersByValue()
    outputs = Set(graph.outputs)
    let symbols = graph.valueIDs.reduce(into: Set<String>()) { $0.formUnion(graph[$1].type.symbols) }
    // A sequence of one would hide which extents agree; the number itself does not matter.
    extents = Dictionary(uniqueKeysWithValues: symbols.map { ($0, 8) })
  }

  func users(of value: ValueID) -> [NodeID] { users[value.index] }
  func isOutput(_ value: ValueID) -> Bool { outputs.contains(value) }

  func computation(_ id: NodeID) -> Computation? {
    let node = graph[id]
    guard node.operation.fusionRule == nil else { return nil }
    var operands = graph.operandTypes(of: node)
    operands.inputs = operands.inputs.map { $0?.bound(extents) }
    operands.outputs = operands.outputs.map { $0.bound(extents) }
    return try? node.operation.computation(operands)
  }

  /// Float tensors that a node reads and that are not constants.
  func activations(of id: NodeID) -> [ValueID] {
    graph[id].inputs.compactMap { $0 }.filter { graph[$0].constant == nil && graph.tensorType($0)?.element == .float32 }
  }
}
