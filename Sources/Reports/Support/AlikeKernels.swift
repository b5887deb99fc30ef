internal import Basic
internal import Results

/// Kernels that do the same for the same reason in the same time, as the layers of a repeated block do.
enum AlikeKernels {
  private struct Likeness: Hashable {
    var operations: [String]
    var reason: String
    var choice: String
    var time: String
  }

  /// Groups by what `weight` sums up to, the largest first; each in the order of the run, never empty.
  static func groups(_ kernels: [KernelResult], by weight: (KernelResult) -> Double) -> [[KernelResult]] {
    var order: [Likeness] = []
    var groups: [Likeness: [KernelResult]] = [:]
    for kernel in kernels {
      let likeness = Likeness(
        operations: kernel.operations, reason: kernel.reason, choice: kernel.choice, time: Format.seconds(kernel.latencySeconds))
      if groups[likeness] == nil { order.append(likeness) }
      groups[likeness, default: []].append(kernel)
    }
    return order.map { groups[$0] ?? [] }.enumerated().map { (sum: $1.reduce(0) { $0 + weight($1) }, place: $0, kernels: $1) }
      .sorted { ($1.sum, $0.place) < ($0.sum, $1.place) }.map(\.kernels)
  }
}
