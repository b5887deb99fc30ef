internal import Basic
package import IR
internal import Numerics

/// An order of input channels in which N:M groups lose less, found by swaps; the order is carried through whatever makes the
/// channels, so that the graph computes the same.
///
/// Pool, Yu: Channel Permutations for N:M Sparsity, NeurIPS 2021. A swap is judged by Σ w²·E[x²] of what the pattern removes;
/// whether the order is used is decided by the reconstruction error, because keeping more weight does not imply it.
package struct ChannelPermutation: Sendable {
  package var kept: Int
  package var of: Int
  package var seed: UInt64 = 0
  /// Weights looked at before the search stops.
  package var budget = 60_000_000

  package init(kept: Int, of: Int, seed: UInt64 = 0) {
    self.kept = kept
    self.of = of
    self.seed = seed
  }

  /// - Parameter scores: cost of each weight, one row of `channels` per output and tap.
  /// - Returns: the channel that moves to each place.
  package func search(_ scores: [Double], channels: Int) -> [Int] {
    var order = Array(0..<channels)
    let rows = channels == 0 ? 0 : scores.count / channels
    guard rows > 0, channels > of else { return order }
    var losses = (0..<channels / of).map { loss(scores, channels, Array(order[($0 * of)..<(($0 + 1) * of)])) }
    let pairs = pairsToTry(channels, rows)
    for _ in 0..<4 {
      var improved = false
      for (a, b) in pairs where a / of != b / of {
        order.swapAt(a, b)
        let (x, y) = (a / of, b / of)
        let after = (
          loss(scores, channels, Array(order[(x * of)..<((x + 1) * of)])), loss(scores, channels, Array(order[(y * of)..<((y + 1) * of)]))
        )
        if after.0 + after.1 < (losses[x] + losses[y]) * (1 - 1e-12) {
          (losses[x], losses[y]) = after
          improved = true
        } else {
          order.swapAt(a, b)
        }
      }
      if !improved { break }
    }
    return order
  }

  /// All pairs of places, or as many as the budget allows, drawn from the seed.
  private func pairsToTry(_ channels: Int, _ rows: Int) -> [(Int, Int)] {
    let all = channels * (channels - 1) / 2
    let affordable = max(1, budget / (4 * 2 * of * rows))
    guard affordable < all else { return (0..<channels).flatMap { a in ((a + 1)..<channels).map { (a, $0) } } }
    var state = seed &+ SplitMix64.increment
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    return (0..<affordable).map { _ in (next(channels), next(channels)) }
  }

  /// What the pattern removes from one group of channels: the cheapest `of − kept` of every row.
  private func loss(_ scores: [Double], _ channels: Int, _ group: [Int]) -> Double {
    var total = 0.0
    let excess = of - kept
    scores.withUnsafeBufferPointer { scores in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: of) { values in
        for base in stride(from: 0, to: scores.count, by: channels) {
          // Insertion sort: groups are a handful of values.
          for (count, channel) in group.enumerated() {
            let value = scores[base + channel]
            var place = count
            while place > 0, values[place - 1] > value {
              values[place] = values[place - 1]
              place -= 1
            }
            values[place] = value
          }
          for index in 0..<excess { total += values[index] }
        }
      }
    }
    return total
  }
}

extension DependencyGraph.Group {
  /// The graph with the units of this group in another order: the place of unit `i` takes what unit `order[i]` was. What the
  /// graph computes stays the same.
  package func reordered(_ graph: Graph, _ order: [Int]) -> Graph {
    var rewriter = Rewriter(graph)
    for axis in axes {
      guard let constant = graph[axis.value].constant, let tensor = Tensor(constant) else { continue }
      var positions = Array(0..<tensor.shape[axis.axis])
      for (place, source) in order.enumerated() {
        for (to, from) in zip(units[place].positions[axis] ?? [], units[source].positions[axis] ?? []) { positions[to] = from }
      }
      // An axis may be reordered by several groups, and a tensor along several axes: each starts from what the last one left.
      let current = rewriter.graph[axis.value].constant.flatMap { Tensor($0) } ?? tensor
      var moved = Constant(current.selecting(positions, axis: axis.axis))
      moved.type.encoding = constant.type.encoding
      rewriter.setConstant(moved, of: axis.value)
    }
    return rewriter.finish()
  }
}
