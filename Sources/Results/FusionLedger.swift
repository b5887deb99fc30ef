/// Which fusion rules applied, and where one nearly did.
package struct FusionLedger: Sendable, Codable, Hashable {
  package struct Applied: Sendable, Codable, Hashable {
    package var rule: String
    package var nodes: [String]

    package init(rule: String, nodes: [String]) {
      self.rule = rule
      self.nodes = nodes
    }
  }

  package struct Missed: Sendable, Codable, Hashable {
    package var rule: String
    package var nodes: [String]
    /// The first condition that failed.
    package var reason: String

    package init(rule: String, nodes: [String], reason: String) {
      self.rule = rule
      self.nodes = nodes
      self.reason = reason
    }
  }

  package var applied: [Applied]
  package var missed: [Missed]

  package init(applied: [Applied] = [], missed: [Missed] = []) {
    self.applied = applied
    self.missed = missed
  }
}
