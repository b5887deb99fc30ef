package import Basic

/// A directed acyclic graph of operators over values; a value type, edited only through `Rewriter`.
package struct Graph: Sendable {
  package var name: String
  /// Indexed by ID; an erased slot is nil and its ID is never used again.
  package internal(set) var nodeSlots: [Node?] = []
  package internal(set) var valueSlots: [Value?] = []
  package internal(set) var inputs: [ValueID] = []
  package internal(set) var outputs: [ValueID] = []
  /// Source nodes that canonicalisation removed for good, with the reason, so that no origin is ever lost.
  package internal(set) var folded: [FoldedNode] = []
  /// Where the graph came from.
  package var source = GraphSource()

  package init(name: String) { self.name = name }
}

/// A source node that has no kernel of its own because it was computed or removed at compile time.
package struct FoldedNode: Hashable, Sendable {
  package var name: String
  package var reason: String

  package init(name: String, reason: String) {
    self.name = name
    self.reason = reason
  }
}

/// Facts about the model file a graph was read from.
package struct GraphSource: Hashable, Sendable {
  package var file = ""
  package var format = ""
  package var producer = ""
  /// Names of all source nodes, in file order: the set that origins must cover.
  package var nodeNames: [String] = []
  /// A sentence for every input extent that the file fixes and the user replaced; not part of the text form.
  package var replacements: [String] = []
  /// What the publisher says of the numbers beyond the types of tensors; not part of the text form.
  package var published = PublishedFormat()
  /// What to know of the file, as notes, and what may be wrong with it, as warnings; not part of the text form.
  package var remarks: [Diagnostic] = []

  package init() {}
}

/// Number formats of a checkpoint whose tensors are not there.
package struct PublishedFormat: Hashable, Sendable {
  /// Of tensors that are not quantised; nil when unknown.
  package var numbers: ElementType?
  /// As a request for a precision spells it; nil when nothing is quantised.
  package var precision: String?
  /// For people: `awq, 4 bits, groups of 128`.
  package var description = ""
  /// Source nodes that the quantisation leaves out.
  package var plainLayers: Set<String> = []

  package init() {}
}

extension Graph {
  package subscript(_ id: NodeID) -> Node {
    guard let node = nodeSlots[id.index] else { preconditionFailure("node \(id.index) was erased") }
    return node
  }

  package subscript(_ id: ValueID) -> Value {
    guard let value = valueSlots[id.index] else { preconditionFailure("value \(id.index) was erased") }
    return value
  }

  package func contains(_ id: NodeID) -> Bool { id.index < nodeSlots.count && nodeSlots[id.index] != nil }
  package func contains(_ id: ValueID) -> Bool { id.index < valueSlots.count && valueSlots[id.index] != nil }

  /// Live nodes in order of creation, which is not always an execution order: see `topologicalOrder`.
  package var nodeIDs: [NodeID] { nodeSlots.indices.lazy.filter { nodeSlots[$0] != nil }.map(NodeID.init) }
  package var valueIDs: [ValueID] { valueSlots.indices.lazy.filter { valueSlots[$0] != nil }.map(ValueID.init) }
  package var nodeCount: Int { nodeSlots.reduce(0) { $0 + ($1 == nil ? 0 : 1) } }

  package func constant(_ id: ValueID?) -> Constant? { id.flatMap { self[$0].constant } }

  package func tensorType(_ id: ValueID?) -> TensorType? { id.flatMap { self[$0].type.tensor } }

  package func producer(_ id: ValueID?) -> NodeID? { id.flatMap { self[$0].producer } }

  /// The producing node when its operator is of the given kind.
  @inlinable package func producer<Op: Operator>(_ id: ValueID?, as kind: Op.Type) -> (id: NodeID, op: Op)? {
    guard let producer = producer(id), let op = self[producer].operation(as: kind) else { return nil }
    return (producer, op)
  }

  /// An execution order: source order wherever dependencies allow. Linear in nodes and edges; nil when there is a cycle.
  package func topologicalOrder() -> [NodeID]? {
    var state = [UInt8](repeating: 0, count: nodeSlots.count)  // 0 new, 1 open, 2 done
    var order: [NodeID] = []
    order.reserveCapacity(nodeSlots.count)
    for root in nodeSlots.indices where state[root] == 0 {
      guard let inputs = nodeSlots[root]?.inputs else { continue }
      // Most nodes come after what they read, and need no search.
      if inputs.allSatisfy({ producer($0).map { state[$0.index] == 2 } ?? true }) {
        state[root] = 2
        order.append(NodeID(root))
      } else if !visit(root, &state, &order) {
        return nil
      }
    }
    return order
  }

  /// Appends what a node depends on, then the node; false when it depends on itself.
  private func visit(_ root: Int, _ state: inout [UInt8], _ order: inout [NodeID]) -> Bool {
    var stack: [(node: Int, next: Int)] = [(root, 0)]
    state[root] = 1
    while let (node, next) = stack.last {
      let inputs = nodeSlots[node]?.inputs ?? []
      if next == inputs.count {
        state[node] = 2
        order.append(NodeID(node))
        stack.removeLast()
        continue
      }
      stack[stack.count - 1].next += 1
      guard let producer = producer(inputs[next])?.index else { continue }
      if state[producer] == 1 { return false }
      if state[producer] == 0 {
        state[producer] = 1
        stack.append((producer, 0))
      }
    }
    return true
  }

  /// The nodes that read each value, in ascending order, indexed by value ID. A node that reads a value twice is listed twice.
  package func usersByValue() -> [[NodeID]] {
    var users = [[NodeID]](repeating: [], count: valueSlots.count)
    for index in nodeSlots.indices {
      guard let node = nodeSlots[index] else { continue }
      for case let input? in node.inputs { users[input.index].append(NodeID(index)) }
    }
    return users
  }
}
