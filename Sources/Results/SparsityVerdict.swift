/// What structured sparsity would do, or does, to one layer, and why.
package struct SparsityVerdict: Sendable, Codable, Hashable {
  /// Name of the source node.
  package var layer: String
  /// The machine has an instruction for it, and the shape and its alignment allow it.
  package var eligible: Bool
  /// The run uses it.
  package var chosen: Bool
  /// Latency of the dense layer divided by that of the sparse one; 1 means no gain.
  package var gain: Double
  /// What limits the sparse layer.
  package var bound: Bound
  /// Bytes of the positions of the kept values.
  package var metadataBytes: Int
  /// One sentence: where the gain ends, or what rules sparsity out.
  package var reason: String

  package init(
    layer: String, eligible: Bool, chosen: Bool, gain: Double, bound: Bound, metadataBytes: Int, reason: String
  ) {
    self.layer = layer
    self.eligible = eligible
    self.chosen = chosen
    self.gain = gain
    self.bound = bound
    self.metadataBytes = metadataBytes
    self.reason = reason
  }
}
