/// Positions and round labels along one direction of a plot.
struct Axis {
  enum Scale { case linear, logarithmic }

  var scale: Scale
  /// Values at the two ends.
  var lower: Double
  var upper: Double
  /// Positions of the two ends; `start` may be the larger one.
  var start: Double
  var end: Double

  init(_ scale: Scale, from lower: Double, to upper: Double, at start: Double, _ end: Double) {
    self.scale = scale
    self.lower = scale == .logarithmic ? max(lower, .leastNormalMagnitude) : lower
    // A single value still needs a direction to lie in.
    self.upper = max(upper, self.lower + max(self.lower.magnitude * 1e-6, 1e-300))
    self.start = start
    self.end = end
  }

  func position(_ value: Double) -> Double {
    let share: Double
    switch scale {
    case .linear: share = (value - lower) / (upper - lower)
    case .logarithmic:
      share = (Self.log10(max(value, lower)) - Self.log10(lower)) / (Self.log10(upper) - Self.log10(lower))
    }
    return start + min(1, max(0, share)) * (end - start)
  }

  /// Round values between the ends: 1, 2 or 5 times a power of ten of the unit, or the powers of ten themselves.
  func ticks(about count: Int, unit: Double = 1) -> [Double] {
    switch scale {
    case .linear:
      let step = Self.roundStep((upper - lower) / unit / Double(max(1, count))) * unit
      guard step > 0, step.isFinite else { return [] }
      var ticks: [Double] = []
      var index = (lower / step).rounded(.up)
      while index * step <= upper * (1 + 1e-12), ticks.count < 200 {
        ticks.append(index * step)
        index += 1
      }
      return ticks
    case .logarithmic:
      let first = Int(Self.log10(lower).rounded(.up))
      let last = Int((Self.log10(upper) + 1e-9).rounded(.down))
      guard first <= last else { return [] }
      let stride = max(1, (last - first + 1) / max(1, count))
      return Swift.stride(from: first, through: last, by: stride).map(Self.power)
    }
  }

  private static func roundStep(_ raw: Double) -> Double {
    guard raw > 0, raw.isFinite else { return 0 }
    let base = power(Int(log10(raw).rounded(.down)))
    let ratio = raw / base
    return base * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10)
  }

  private static func power(_ exponent: Int) -> Double {
    var value = 1.0
    for _ in 0..<exponent.magnitude { value *= 10 }
    return exponent < 0 ? 1 / value : value
  }

  static func log10(_ value: Double) -> Double { Logarithm.base10(value) }
}
