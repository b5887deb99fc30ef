/// How a target computes with stored integers, as a plain value: what bit-exact execution follows.
package struct IntegerArithmetic: Hashable, Sendable, Codable {
  /// How a sum becomes a stored number of another scale.
  package enum Requantization: String, Hashable, Sendable, Codable, CaseIterable {
    /// Multiplied by a float32 factor, rounded to nearest even.
    case real
    /// Multiplied by an integer and shifted right.
    case fixedPoint = "fixed-point"
  }

  /// What happens to a result between two integers, in fixed point.
  package enum Rounding: String, Hashable, Sendable, Codable, CaseIterable {
    case halfEven = "half-even"
    case halfAwayFromZero = "half-away-from-zero"
    case halfUp = "half-up"
    case down
    /// Half up at 31 bits, then half away from zero at the rest: the two steps of gemmlowp's fixedpoint.h, which TensorFlow Lite's
    /// 8-bit kernels and what is bit-exact with them do.
    case gemmlowp
  }

  /// What happens to a sum that the accumulator cannot hold.
  package enum Overflow: String, Hashable, Sendable, Codable, CaseIterable { case wrap, saturate }

  package var accumulatorBits: Int
  package var overflow: Overflow
  package var requantization: Requantization
  /// Bits of the integer multiplier, sign not counted.
  package var multiplierBits: Int
  package var rounding: Rounding

  package init(
    accumulatorBits: Int = 32, overflow: Overflow = .wrap, requantization: Requantization = .real, multiplierBits: Int = 31,
    rounding: Rounding = .halfEven
  ) {
    self.accumulatorBits = accumulatorBits
    self.overflow = overflow
    self.requantization = requantization
    self.multiplierBits = multiplierBits
    self.rounding = rounding
  }

  /// What onnxruntime's CPU kernels do (mlas `MlasRequantizeOutput`): 32-bit sums, a float32 factor, ties to even.
  package static let onnxruntime = IntegerArithmetic()
}
