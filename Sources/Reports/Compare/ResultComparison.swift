package import Results

/// Two results matched by the source nodes that their kernels carry out.
package struct ResultComparison: Sendable {
  /// Kernels of both sides that share source nodes, directly or through others.
  package struct Match: Sendable {
    package enum Change: String, Sendable { case same, merged, split, regrouped, onlyFirst, onlySecond }

    package var first: [KernelResult]
    package var second: [KernelResult]

    package var firstSeconds: Double { first.reduce(0) { $0 + $1.latencySeconds } }
    package var secondSeconds: Double { second.reduce(0) { $0 + $1.latencySeconds } }
    /// Seconds gained (negative) or lost from the first to the second.
    package var difference: Double { secondSeconds - firstSeconds }

    package var change: Change {
      switch (first.count, second.count) {
      case (_, 0): .onlyFirst
      case (0, _): .onlySecond
      case (1, 1): .same
      case (_, 1): .merged
      case (1, _): .split
      default: .regrouped
      }
    }
  }

  package let first: RunResult
  package let second: RunResult
  /// In the order of the first result's kernels; those only in the second come last.
  package let matches: [Match]

  package init(_ first: RunResult, _ second: RunResult) {
    self.first = first
    self.second = second
    matches = Self.match(first, second)
  }

  private static func match(_ first: RunResult, _ second: RunResult) -> [Match] {
    OriginGroups.match(first.kernels.map(names), second.kernels.map(names)).map { group in
      Match(first: group.first.map { first.kernels[$0] }, second: group.second.map { second.kernels[$0] })
    }
  }

  /// A kernel without source nodes (a layout change) can only be found by its name.
  private static func names(_ kernel: KernelResult) -> [String] {
    kernel.origin.isEmpty ? ["kernel " + kernel.name] : kernel.origin
  }
}
