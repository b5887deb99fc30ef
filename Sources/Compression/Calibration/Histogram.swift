/// Smallest and largest of some finite values.
struct Extremes {
  let least: Float
  let most: Float

  /// Nil when there is no value, or one that is not finite.
  init?(_ values: [Float]) {
    guard let first = values.first else { return nil }
    var (low, high) = (SIMD16<Float>(repeating: first), SIMD16<Float>(repeating: first))
    // x·0 is 0 for every finite number and not a number for the others.
    var check = SIMD16<Float>()
    let whole = values.count / 16 * 16
    values.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: whole, by: 16) {
        let lanes = bytes.loadUnaligned(fromByteOffset: start * 4, as: SIMD16<Float>.self)
        low.replace(with: lanes, where: lanes .< low)
        high.replace(with: lanes, where: lanes .> high)
        check += lanes * 0
      }
    }
    var (least, most, rest) = (low.min(), high.max(), check.sum())
    for value in values[whole...] {
      least = min(least, value)
      most = max(most, value)
      rest += value * 0
    }
    guard rest == 0 else { return nil }
    (self.least, self.most) = (least, most)
  }
}

/// Counts of values over a range that grows as values come, in one pass.
///
/// A value outside doubles the range on its side and merges neighbouring bins, so the result does not depend on how samples
/// are cut into batches beyond the choice of the first range.
package struct Histogram: Sendable {
  package static let binCount = 4096

  /// Ranges that count nothing share one array.
  private static let none = [Double](repeating: 0, count: binCount)
  package private(set) var counts = Histogram.none
  package private(set) var low = 0.0
  package private(set) var width = 0.0
  package private(set) var smallest = Double.infinity
  package private(set) var largest = -Double.infinity
  package private(set) var total = 0.0

  package init() {}

  package var high: Double { low + width * Double(Self.binCount) }

  package mutating func add(_ values: [Float]) {
    if let extremes = Extremes(values) { add(values, extremes) }
  }

  /// - Parameter counting: false keeps the range alone.
  mutating func add(_ values: [Float], _ extremes: Extremes, counting: Bool = true) {
    smallest = min(smallest, Double(extremes.least))
    largest = max(largest, Double(extremes.most))
    total += Double(values.count)
    guard counting else { return }
    cover(Double(extremes.least), Double(extremes.most))
    let (base, scale) = (Float(low), Float(1 / width))
    counts.withUnsafeMutableBufferPointer { counts in
      for value in values {
        let bin = Int((value - base) * scale)
        counts[min(max(bin, 0), Self.binCount - 1)] += 1
      }
    }
  }

  package func centre(_ bin: Int) -> Double { low + (Double(bin) + 0.5) * width }

  private mutating func cover(_ least: Double, _ most: Double) {
    if width == 0 {
      let span = max(most - least, max(most.magnitude, least.magnitude) * 1e-6, 1e-20)
      low = least
      width = span * 1.0001 / Double(Self.binCount)
      return
    }
    while most >= high { merge(keepingLow: true) }
    while least < low { merge(keepingLow: false) }
  }

  /// Doubles the range: pairs of bins become one, in the lower or the upper half.
  private mutating func merge(keepingLow: Bool) {
    let half = Self.binCount / 2
    var merged = [Double](repeating: 0, count: Self.binCount)
    let offset = keepingLow ? 0 : half
    for bin in 0..<half { merged[offset + bin] = counts[2 * bin] + counts[2 * bin + 1] }
    counts = merged
    if !keepingLow { low -= width * Double(Self.binCount) }
    width *= 2
  }
}
