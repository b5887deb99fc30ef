internal import Basic

/// A routing problem: `tokens` tokens each choose `choices` of `experts` experts, which are dealt over `ranks` ranks.
package struct Routing: Sendable, Hashable {
  package var tokens: Int
  package var choices: Int
  package var experts: Int
  package var ranks: Int
  package var distribution: ExpertLoads.Distribution

  package init(
    tokens: Int, choices: Int, experts: Int, ranks: Int = 1, distribution: ExpertLoads.Distribution = .balanced
  ) {
    self.tokens = max(0, tokens)
    self.choices = max(1, choices)
    self.experts = max(1, experts)
    self.ranks = max(1, ranks)
    self.distribution = distribution
  }

  private var pairs: Int { tokens * choices }
  /// Experts of one rank.
  package var local: Int { max(1, experts / ranks) }

  /// Loads of the busiest rank: one set when balanced or at quantiles, two seeded draws of a power law.
  package func loads() -> [ExpertLoads] {
    switch distribution {
    case .balanced: [balanced()]
    case .uniform: [quantiles()]
    case .powerLaw(let exponent): (1...2).map { powerLaw(exponent, seed: UInt64($0)) }
    }
  }

  /// Pairs are dealt in even strides over the experts, starting at the first.
  private func balanced() -> ExpertLoads {
    let counts = (0..<local).map { expert in
      (expert * pairs + pairs + experts - 1) / experts - (expert * pairs + experts - 1) / experts
    }
    return ExpertLoads(tokens: counts.filter { $0 > 0 })
  }

  /// Expert i of E gets the tokens at the quantile (i + ½)/E of Binomial(tokens, choices/E), as each token meets an expert with
  /// that probability; what rounding leaves goes to, or comes from, the most loaded. Some experts get none, as in a real draw.
  private func quantiles() -> ExpertLoads {
    let share = Double(min(choices, experts)) / Double(experts)
    guard share < 1 else { return balanced() }
    let mean = Double(tokens) * share
    let spread = (mean * (1 - share)).squareRoot()
    let (start, end) = (max(0, Int(mean - 12 * spread)), min(tokens, Int(mean + 12 * spread) + 1))
    // Probabilities relative to the first, by the ratio of neighbours in logarithms: the first itself may underflow.
    var logarithms = [0.0]
    for count in start..<end {
      let ratio = Double(tokens - count) / Double(count + 1) * share / (1 - share)
      logarithms.append((logarithms.last ?? 0) + logarithm(ratio))
    }
    let highest = logarithms.max() ?? 0
    let weights = logarithms.map { exponential($0 - highest) }
    let whole = weights.reduce(0, +)
    var counts: [Int] = []
    var (index, below) = (0, weights[0])
    for expert in 0..<experts {
      let quantile = (Double(expert) + 0.5) / Double(experts) * whole
      while below < quantile, index < weights.count - 1 {
        index += 1
        below += weights[index]
      }
      counts.append(start + index)
    }
    settle(pairs - counts.reduce(0, +), in: &counts)
    // Dealt over the ranks like cards, the most loaded first.
    return ExpertLoads(tokens: stride(from: experts - 1, through: 0, by: -ranks).map { counts[$0] }.filter { $0 > 0 })
  }

  /// Adds or takes one token per expert until `rest` is used up, from the last expert to the first.
  private func settle(_ rest: Int, in counts: inout [Int]) {
    var left = rest
    let step = rest.signum()
    while left != 0 {
      let before = left
      for expert in counts.indices.reversed() where left != 0 && (0...tokens).contains(counts[expert] + step) {
        counts[expert] += step
        left -= step
      }
      guard left != before else { return }
    }
  }

  /// Popularities by inverse transform, x = (a + u·(b - a))^(1/(1-α)) between bounds whose powers are a and b; rounded by
  /// largest remainders, no expert more than every token once.
  private func powerLaw(_ exponent: Double, seed: UInt64) -> ExpertLoads {
    let isSparse = pairs <= experts
    let low = isSparse ? 0.01 : 1
    let high = isSparse ? 2 : max(1.0001, 0.8 * Double(tokens))
    let order = 1 - (exponent == 1 ? 1.000_001 : exponent)
    let (a, b) = (power(low, order), power(high, order))
    var generator = SplitMix64(seed: seed)
    var shares = (0..<experts).map { _ in power(a + (b - a) * generator.unit(), 1 / order) }
    let scale = Double(pairs) / shares.reduce(0, +)
    var counts = [Int](repeating: 0, count: experts)
    var left = pairs
    for index in shares.indices {
      let share = shares[index] * scale
      counts[index] = min(tokens, Int(share))
      shares[index] = share - share.rounded(.down)
      left -= counts[index]
    }
    deal(left, to: &counts, by: shares)
    return ExpertLoads(tokens: busiest(counts).filter { $0 > 0 })
  }

  /// Hands out what rounding left, largest remainder first.
  private func deal(_ rest: Int, to counts: inout [Int], by remainders: [Double]) {
    let ranking = remainders.indices.sorted { (remainders[$1], $0) < (remainders[$0], $1) }
    var left = rest
    while left > 0 {
      var dealt = false
      for expert in ranking where left > 0 && counts[expert] < tokens {
        counts[expert] += 1
        left -= 1
        dealt = true
      }
      guard dealt else { return }
    }
  }

  private func busiest(_ counts: [Int]) -> ArraySlice<Int> {
    var best = counts[..<min(local, counts.count)]
    var most = -1
    for start in stride(from: 0, through: counts.count - local, by: local) {
      let slice = counts[start..<(start + local)]
      let sum = slice.reduce(0, +)
      if sum > most { (best, most) = (slice, sum) }
    }
    return best
  }
}
