internal import IR

/// What fusion needs to know of each node, gathered once: order, computation, and readers.
struct FusionFacts {
  let order: [NodeID]
  /// Position in the execution order, by node index.
  let position: [Int]
  /// By node index; nil for control flow, opaque work and unbound shapes.
  let computations: [Computation?]
  let users: ReaderTable
  let graphOutputs: Set<ValueID>

  init(_ graph: Graph) {
    order = graph.topologicalOrder() ?? []
    var position = [Int](repeating: -1, count: graph.nodeSlots.count)
    var computations = [Computation?](repeating: nil, count: graph.nodeSlots.count)
    for (index, id) in order.enumerated() {
      position[id.index] = index
      computations[id.index] = graph.computation(of: graph[id])
    }
    self.position = position
    self.computations = computations
    users = ReaderTable(graph)
    graphOutputs = Set(graph.outputs)
  }

  func computation(_ node: NodeID) -> Computation? { computations[node.index] }

  func isGather(_ node: NodeID) -> Bool {
    if case .movement(let movement)? = computations[node.index] { movement.kind == .gather } else { false }
  }
}

/// The nodes that read each value in ascending order, one list after the other in one array. A node that reads a value twice is
/// listed twice.
struct ReaderTable {
  private let starts: [Int]
  private let nodes: [NodeID]

  init(_ graph: Graph) {
    var counts = [Int](repeating: 0, count: graph.valueSlots.count + 1)
    for id in graph.nodeIDs { for case let input? in graph[id].inputs { counts[input.index + 1] += 1 } }
    for index in counts.indices.dropFirst() { counts[index] += counts[index - 1] }
    starts = counts
    var nodes = [NodeID](repeating: NodeID(0), count: counts.last ?? 0)
    for id in graph.nodeIDs {
      for case let input? in graph[id].inputs {
        nodes[counts[input.index]] = id
        counts[input.index] += 1
      }
    }
    self.nodes = nodes
  }

  subscript(_ value: Int) -> ArraySlice<NodeID> { nodes[starts[value]..<starts[value + 1]] }
}

/// A growing set of nodes that will become one kernel.
struct FusionGroup {
  /// Members in execution order.
  private(set) var members: [NodeID]
  private(set) var memberSet: Set<NodeID>
  /// The one value that leaves the group.
  var result: ValueID
  /// Elements of the result, which every fused pointwise step must keep.
  var count: Int
  /// Tensors read from outside.
  var inputs: Set<ValueID>
  var rule: String
  /// The contraction, attention or reduction that the group began with; nil for elementwise chains.
  var anchor: NodeID?

  init(_ node: NodeID, result: ValueID, count: Int, inputs: Set<ValueID>, rule: String) {
    members = [node]
    memberSet = [node]
    self.result = result
    self.count = count
    self.inputs = inputs
    self.rule = rule
  }

  mutating func append(_ node: NodeID) {
    members.append(node)
    memberSet.insert(node)
  }

  mutating func insert(_ nodes: some Sequence<NodeID>, orderedBy position: [Int]) {
    memberSet.formUnion(nodes)
    members = memberSet.sorted { position[$0.index] < position[$1.index] }
  }

  mutating func removeFirst() { memberSet.remove(members.removeFirst()) }
  mutating func removeLast() { memberSet.remove(members.removeLast()) }
}

extension Computation {
  /// Elements of the first result.
  var resultCount: Int { outputs.first?.count ?? 0 }

  var isPointwise: Bool {
    if case .pointwise = self { true } else { false }
  }
}
