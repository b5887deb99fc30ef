internal import Foundation

/// e to the power of `x`.
func exponential(_ x: Double) -> Double { exp(x) }
/// Natural logarithm.
func logarithm(_ x: Double) -> Double { log(x) }
/// `base` to a real power.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
