/// How a kernel is started and timed: a property of the program and of a measurement, not of the device.
package enum LaunchMode: Sendable, Hashable {
  /// Kernels of a replayed graph follow one another; caches are warm from the replay before.
  case graph
  /// Duration of the kernel alone as a profiler reports it; caches are warm.
  case profiler
  /// Every operation is dispatched by the framework on the host and timed by events on an otherwise idle GPU.
  case eager(HostOperation)

  /// Whether operands that fit the L2 are found there.
  package var isWarm: Bool { if case .eager = self { false } else { true } }
}

/// What the host does for one operation before and after its kernel, by how much the framework has to look at.
package enum HostOperation: String, Sendable, Hashable, CaseIterable {
  /// Two tensors, or one.
  case tensors
  /// A tensor and a number that is wrapped first.
  case scalar
  case softmax
  /// Several results are allocated.
  case normalization
}

/// Host times of one operation in eager mode.
package struct HostCost: Sendable, Hashable {
  /// From the first event to the start of the kernel, in seconds.
  package var toKernel: Double
  /// From the first event to the last one when the kernel takes no time, in seconds.
  package var total: Double

  /// Time between the events around a kernel of `kernel` seconds.
  package func seconds(kernel: Double) -> Double { max(total, toKernel + kernel) }
}
