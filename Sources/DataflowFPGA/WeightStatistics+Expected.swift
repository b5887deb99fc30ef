extension WeightStatistics {
  /// What weights spread evenly over `bits`-bit values would give, when the values are not known.
  ///
  /// Of the 2^bits values a share needs a multiplier (three or more signed digits). On each input, `outputs` draws from
  /// N values hit h hard ones h·(1 - (1 - 1/N)^outputs) times distinctly.
  package init(expectedFor inputs: Int, outputs: Int, bits: Int) {
    let bits = max(1, min(16, bits))
    let values = 1 << bits
    var hard = 0
    var two = 0
    for value in 0..<values {
      let digits = Self.signedDigits(value - values / 2)
      if digits >= 3 { hard += 1 }
      if digits == 2 { two += 1 }
    }
    let population = Double(values)
    var missed = 1.0
    for _ in 0..<min(outputs, 1_000_000) { missed *= 1 - 1 / population }
    let count = Double(inputs) * Double(outputs)
    self.init(
      zeros: Int((count / population).rounded()),
      hardProducts: Int((Double(inputs) * Double(hard) * (1 - missed)).rounded()),
      twoDigit: Int((count * Double(two) / population).rounded()))
  }

  /// Counts what a matrix of integer weights (row per input) really has.
  package init(rows: [[Int]]) {
    var zeros = 0
    var hard = 0
    var two = 0
    for row in rows {
      var seen: Set<Int> = []
      for weight in row {
        switch Self.signedDigits(weight) {
        case 0: zeros += 1
        case 1: break
        case 2: two += 1
        default: if seen.insert(weight).inserted { hard += 1 }
        }
      }
    }
    self.init(zeros: zeros, hardProducts: hard, twoDigit: two)
  }

  /// Non-zero digits of the canonical signed-digit form, popcount(3v xor v) for v >= 0.
  package static func signedDigits(_ value: Int) -> Int {
    let magnitude = value.magnitude & 0xffff_ffff
    return ((3 &* magnitude) ^ magnitude).nonzeroBitCount
  }
}
