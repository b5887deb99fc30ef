package import IR

/// Turns sums of scale `factor` times the result's scale into stored numbers.
package struct Requantizer: Sendable, Hashable {
  package let factor: Double
  /// Fixed point: factor ≈ multiplier · 2^(−shift).
  package let multiplier: Int64
  package let shift: Int
  private let arithmetic: IntegerArithmetic

  /// - Parameter factor: scale of the sums over scale of the result.
  package init(factor: Double, _ arithmetic: IntegerArithmetic) {
    self.factor = factor
    self.arithmetic = arithmetic
    guard factor > 0, factor.isFinite else {
      (multiplier, shift) = (0, 0)
      return
    }
    // factor = significand · 2^(exponent + 1) with significand in [0.5, 1).
    let significand = factor.significand / 2
    var multiplier = Int64((significand * Double(Int64(1) << Int64(arithmetic.multiplierBits))).rounded(.toNearestOrAwayFromZero))
    var shift = arithmetic.multiplierBits - (Int(factor.exponent) + 1)
    if multiplier == Int64(1) << Int64(arithmetic.multiplierBits) {
      multiplier /= 2
      shift -= 1
    }
    (self.multiplier, self.shift) = (multiplier, shift)
  }

  /// The integer nearest to sum · factor, before the zero point is added.
  package func apply(_ sum: Int64) -> Int64 {
    switch arithmetic.requantization {
    case .real: Double((Float(sum) * Float(factor)).rounded(.toNearestOrEven)).clampedInt64
    case .fixedPoint: Self.shifted(sum.multipliedFullWidth(by: multiplier), by: shift, arithmetic.rounding)
    }
  }

  /// product · 2^(−shift), rounded.
  private static func shifted(_ product: (high: Int64, low: UInt64), by shift: Int, _ rounding: IntegerArithmetic.Rounding) -> Int64 {
    // Sums of at most 33 bits times multipliers of at most 31 bits fit 64 bits.
    let value = Int64(truncatingIfNeeded: product.low)
    if rounding == .gemmlowp {
      // High half of the doubled product, then a rounding division by the power of two that is left.
      let high = shifted(product, by: min(shift, 31), .halfUp)
      return shift <= 31 ? high : shifted(high.multipliedFullWidth(by: 1), by: shift - 31, .halfAwayFromZero)
    }
    guard shift > 0 else { return shift > -32 ? value << Int64(-shift) : 0 }
    guard shift < 63 else { return rounding == .down && value < 0 ? -1 : 0 }
    let floor = value >> Int64(shift)
    let rest = value & ((Int64(1) << Int64(shift)) - 1)
    let half = Int64(1) << Int64(shift - 1)
    switch rounding {
    case .down: return floor
    case .halfUp, .gemmlowp: return rest >= half ? floor + 1 : floor
    case .halfEven: return rest > half || (rest == half && floor & 1 == 1) ? floor + 1 : floor
    case .halfAwayFromZero: return rest > half || (rest == half && value >= 0) ? floor + 1 : floor
    }
  }
}
