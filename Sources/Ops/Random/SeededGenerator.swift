internal import Basic
internal import Foundation

/// A small deterministic generator with the distributions that random operators draw from.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var source: SplitMix64

  package init(seed: UInt64) { source = SplitMix64(seed: seed) }

  package mutating func next() -> UInt64 { source.next() }

  /// Uniform in [0, 1).
  package mutating func uniform() -> Double { source.unit() }

  /// Standard normal, by Box and Muller's method.
  package mutating func normal() -> Double {
    (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
  }
}
