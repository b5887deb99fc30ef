package import Basic
package import IR

/// Predicts how long a graph takes on the machine a recipe is for.
package protocol LatencyOracle: Sendable {
  func estimate(_ graph: Graph) throws(Failure) -> LatencyEstimate
}

/// A predicted run.
package struct LatencyEstimate: Sendable, Hashable {
  package var seconds: Double
  /// Seconds of the kernel that carries out a source node, by its name; nodes of one kernel share the figure.
  package var layers: [String: Double]

  package init(seconds: Double, layers: [String: Double]) {
    self.seconds = seconds
    self.layers = layers
  }
}
