package import Results

/// Time of one kernel with what it is made of.
package struct KernelEstimate: Sendable, Hashable {
  /// From the end of the kernel before to the end of this one.
  package var seconds: Double
  /// What no implementation can beat: every byte once at the pin rate, every operation at the peak.
  package var floorSeconds: Double
  package var bound: Bound
  /// One sentence with the figures that bind.
  package var reason: String
  /// The implementation that was assumed.
  package var choice: String
  /// Bytes moved at device memory.
  package var memoryBytes: Double

  package init(
    seconds: Double, floorSeconds: Double, bound: Bound, reason: String, choice: String, memoryBytes: Double
  ) {
    self.seconds = seconds
    self.floorSeconds = floorSeconds
    self.bound = bound
    self.reason = reason
    self.choice = choice
    self.memoryBytes = memoryBytes
  }
}
