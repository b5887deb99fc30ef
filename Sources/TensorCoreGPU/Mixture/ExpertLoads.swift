/// How many tokens each expert of one rank gets.
package struct ExpertLoads: Sendable, Hashable {
  /// How tokens spread over all experts.
  package enum Distribution: Sendable, Hashable {
    /// Every expert the same.
    case balanced
    /// Every token chooses at random and alike: loads lie at the quantiles of the binomial distribution.
    case uniform
    /// Popularity of experts is a power law with this exponent, and the most loaded rank is looked at.
    case powerLaw(Double)
  }

  /// Tokens of each expert that has any.
  package var tokens: [Int]

  package var total: Int { tokens.reduce(0, +) }
  package var touched: Int { tokens.count }
}
