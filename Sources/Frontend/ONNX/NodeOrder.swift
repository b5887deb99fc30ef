internal import Basic

/// Puts nodes in an execution order, which files should have but some exporters do not keep.
struct NodeOrder {
  private let nodes: [NodeMessage]
  private var producer: [String: Int] = [:]
  private(set) var isSorted = true

  init(_ nodes: [NodeMessage], known: some Sequence<String>) {
    self.nodes = nodes
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { producer[output] = index }
    }
    let known = Set(known)
    for (index, node) in nodes.enumerated() where isSorted {
      for input in node.reads {
        if let source = producer[input], source >= index, !known.contains(input) { isSorted = false }
      }
    }
  }

  /// File order wherever dependencies allow; a cycle is an error that names a node on it.
  mutating func sorted(_ session: ImportSession) throws(Failure) -> [Int] {
    var state = [UInt8](repeating: 0, count: nodes.count)  // 0 new, 1 open, 2 done
    var order: [Int] = []
    for root in nodes.indices where state[root] == 0 {
      var stack = [(node: root, reads: nodes[root].reads)]
      state[root] = 1
      while let top = stack.last {
        guard let input = top.reads.last else {
          state[top.node] = 2
          order.append(top.node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].reads.removeLast()
        guard let source = producer[input] else { continue }
        if state[source] == 1 {
          let node = nodes[source]
          throw session.failure(
            "the nodes form a cycle through '\(input)'", node: node.name.isEmpty ? node.type : node.name,
            at: node.offset)
        }
        if state[source] == 0 {
          state[source] = 1
          stack.append((source, nodes[source].reads))
        }
      }
    }
    return order
  }
}

extension NodeMessage {
  /// Names it reads, those its subgraphs capture included.
  var reads: [String] {
    var names = inputs.filter { !$0.isEmpty }
    for case .graph(let graph) in attributes.lazy.map(\.value) { names += graph.freeNames }
    return names
  }
}

extension GraphMessage {
  /// Names that its nodes read or it returns but nothing in it defines, in order of first use.
  var freeNames: [String] {
    var defined = Set(inputs.map(\.name))
    defined.formUnion(initializers.map(\.name))
    defined.formUnion(sparseInitializers.map(\.values.name))
    for node in nodes { defined.formUnion(node.outputs) }
    var seen: Set<String> = []
    var free: [String] = []
    for name in nodes.flatMap(\.reads) + outputs.map(\.name) where !defined.contains(name) && seen.insert(name).inserted {
      free.append(name)
    }
    return free
  }
}
