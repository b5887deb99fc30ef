/// Counts of values over a range that grows as values come, in one pass.
///
/// A value outside doubles the range on its side and merges neighbouring bins, so the result does not depend on how samples
/// are cut into batches beyond the choice of the first range.
package struct Histogram: Sendable {
  package static let binCount = 4096

  package private(set) var counts = [Double](repeating: 0, count: Histogram.binCount)
  package private(set) var low = 0.0
  package private(set) var width = 0.0
  package private(set) var smallest = Double.infinity
  package private(set) var largest = -Double.infinity
  package private(set) var total = 0.0

  package init() {}

  package var high: Double { low + width * Double(Self.binCount) }

  package mutating func add(_ values: [Float]) {
    guard let first = values.first else { return }
    var (least, most) = (first, first)
    for value in values {
      if value < least { least = value }
      if value > most { most = value }
    }
    cover(Double(least), Double(most))
    smallest = min(smallest, Double(least))
    largest = max(largest, Double(most))
    total += Double(values.count)
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
