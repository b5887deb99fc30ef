internal import Foundation

/// `base` to a real power.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
