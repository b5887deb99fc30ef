internal import IR
internal import Ops

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

  /// The range of a value that its readers tell apart: what lies outside gives the results of its ends (the flat sides of a
  /// hard-swish, a clamp). Infinite on a side where every number counts, and for outputs of the graph.
  func distinguishedRange(of value: ValueID) -> ClosedRange<Double> {
    let everything = -Double.infinity...Double.infinity
    guard !isOutput(value), !users(of: value).isEmpty else { return everything }
    var (low, high) = (Double.infinity, -Double.infinity)
    for id in users(of: value) {
      let node = graph[id]
      guard node.inputs.first == value, node.inputs.count(where: { $0 == value }) == 1,
        let range = node.operation.inputRange({ index in
          guard index < node.inputs.count, let constant = graph.constant(node.inputs[index]) else { return nil }
          return Tensor(constant).flatMap { try? $0.doubles().first }
        })
      else { return everything }
      (low, high) = (min(low, range.lowerBound), max(high, range.upperBound))
    }
    return low...high
  }

  /// Whether a product per channel behind the value is part of the function that makes it.
  func takesFactor(_ value: ValueID) -> Bool { graph.producer(value, as: UnaryElementwise.self)?.1.takesFactor ?? false }

  /// Float tensors that a node reads and that are not constants.
  func activations(of id: NodeID) -> [ValueID] {
    graph[id].inputs.compactMap { $0 }.filter { graph[$0].constant == nil && graph.tensorType($0)?.element == .float32 }
  }
}
