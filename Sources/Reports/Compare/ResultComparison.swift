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

  /// Joins kernels with a common source node into groups: union and find over the kernels of both sides.
  private static func match(_ first: RunResult, _ second: RunResult) -> [Match] {
    let all = first.kernels + second.kernels
    var parent = Array(all.indices)
    func root(_ index: Int) -> Int {
      var index = index
      while parent[index] != index {
        parent[index] = parent[parent[index]]
        index = parent[index]
      }
      return index
    }
    var owner: [String: Int] = [:]
    for (index, kernel) in all.enumerated() {
      // A kernel without source nodes (a layout change) can only be found by its name.
      for name in kernel.origin.isEmpty ? ["kernel " + kernel.name] : kernel.origin {
        guard let known = owner[name] else {
          owner[name] = index
          continue
        }
        let a = root(known)
        let b = root(index)
        parent[max(a, b)] = min(a, b)
      }
    }
    var matches: [Match] = []
    var place: [Int: Int] = [:]
    for index in all.indices {
      let group = root(index)
      let position = place[group] ?? matches.count
      if position == matches.count {
        place[group] = position
        matches.append(Match(first: [], second: []))
      }
      if index < first.kernels.count { matches[position].first.append(all[index]) } else { matches[position].second.append(all[index]) }
    }
    return matches
  }
}
