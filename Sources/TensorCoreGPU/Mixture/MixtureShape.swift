/// One mixture-of-experts feed-forward layer on one rank.
package struct MixtureShape: Sendable, Hashable {
  package var hidden: Int
  /// Width of one expert on this rank, after tensor parallelism.
  package var inner: Int
  /// Two first products of which one is a gate (SwiGLU), or one and a plain activation.
  package var isGated: Bool
  package var routing: Routing
  /// Bits of a stored weight, scales included.
  package var weightBits: Double
  /// Bits of an activation that enters a product.
  package var activationBits: Int
  package var isBlockScaled: Bool

  package init(
    hidden: Int, inner: Int, isGated: Bool, routing: Routing, weightBits: Double, activationBits: Int,
    isBlockScaled: Bool = false
  ) {
    self.hidden = hidden
    self.inner = inner
    self.isGated = isGated
    self.routing = routing
    self.weightBits = weightBits
    self.activationBits = activationBits
    self.isBlockScaled = isBlockScaled
  }

  /// Columns of the first product.
  package var firstColumns: Int { (isGated ? 2 : 1) * inner }
}
