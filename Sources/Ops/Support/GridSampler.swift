/// Which pixels a normalised coordinate reads, with which weights.
struct GridSampler {
  let extents: [Int]
  let mode: GridSample.Mode
  let padding: GridSample.Padding
  let alignsCorners: Bool

  struct Tap {
    var offset: Int
    var weight: Double
  }

  /// Taps of one position; what lies in the zero padding is left out.
  func taps(at normalized: [Double]) -> [Tap] {
    var result = [Tap(offset: 0, weight: 1)]
    for (axis, value) in normalized.enumerated() {
      let extent = extents[axis]
      let along = weights(position(value, extent)).compactMap { index, weight -> Tap? in
        resolve(index, extent).map { Tap(offset: $0, weight: weight) }
      }
      result = result.flatMap { outer in
        along.map { Tap(offset: outer.offset * extent + $0.offset, weight: outer.weight * $0.weight) }
      }
    }
    return result
  }

  private func limits(_ extent: Int) -> (Double, Double) {
    alignsCorners ? (0, Double(extent - 1)) : (-0.5, Double(extent) - 0.5)
  }

  private func position(_ normalized: Double, _ extent: Int) -> Double {
    var x = alignsCorners ? (normalized + 1) / 2 * Double(extent - 1) : ((normalized + 1) * Double(extent) - 1) / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    let (low, high) = limits(extent)
    guard x < low || x > high else { return x }
    switch padding {
    case .zeros: return x
    case .border: return min(max(x, 0), Double(extent - 1))
    case .reflection: return reflect(x, low, high)
    }
  }

  private func reflect(_ x: Double, _ low: Double, _ high: Double) -> Double {
    let range = high - low
    guard range > 0, x.isFinite else { return low }
    let beyond = x < low ? low - x : x - high
    let turns = (beyond / range).rounded(.down)
    let rest = beyond - turns * range
    let isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    return (x < low) == isEven ? low + rest : high - rest
  }

  private func weights(_ x: Double) -> [(Int, Double)] {
    guard x.isFinite, x.magnitude < 1e9 else { return [] }
    let base = x.rounded(.down)
    let (first, t) = (Int(base), x - base)
    switch mode {
    case .nearest: return [(Int(x), 1)]
    case .linear: return [(first, 1 - t), (first + 1, t)]
    case .cubic:
      // Keys' kernel with a = −0.75.
      let a = -0.75
      func near(_ d: Double) -> Double { ((a + 2) * d - (a + 3)) * d * d + 1 }
      func far(_ d: Double) -> Double { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
      return [(first - 1, far(t + 1)), (first, near(t)), (first + 1, near(1 - t)), (first + 2, far(2 - t))]
    }
  }

  private func resolve(_ index: Int, _ extent: Int) -> Int? {
    if index >= 0, index < extent { return index }
    switch padding {
    case .zeros: return nil
    case .border: return min(max(index, 0), extent - 1)
    case .reflection:
      let (low, high) = limits(extent)
      let x = Double(index)
      return min(max(Int(x < low || x > high ? reflect(x, low, high) : x), 0), extent - 1)
    }
  }
}
