/// The source graph as plain text and numbers, for pictures that show before and after.
package struct GraphOutline: Sendable, Codable, Hashable {
  package struct Node: Sendable, Codable, Hashable {
    package var name: String
    package var operation: String
    /// Result type of the first output.
    package var type: String

    package init(name: String, operation: String, type: String) {
      self.name = name
      self.operation = operation
      self.type = type
    }
  }

  package var nodes: [Node]
  /// Pairs of indices into `nodes`.
  package var edges: [[Int]]

  package init(nodes: [Node] = [], edges: [[Int]] = []) {
    self.nodes = nodes
    self.edges = edges
  }
}

/// Ceilings of the machine for a roofline plot.
package struct Roofline: Sendable, Codable, Hashable {
  package struct Ceiling: Sendable, Codable, Hashable {
    package var name: String
    /// FLOP/s for compute ceilings, bytes/s for memory ones.
    package var rate: Double

    package init(name: String, rate: Double) {
      self.name = name
      self.rate = rate
    }
  }

  package var compute: [Ceiling]
  package var memory: [Ceiling]

  package init(compute: [Ceiling], memory: [Ceiling]) {
    self.compute = compute
    self.memory = memory
  }
}
