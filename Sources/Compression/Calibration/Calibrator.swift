internal import Foundation
internal import IR

/// How the range of an activation is chosen from what was observed.
package enum Calibrator: String, Sendable, Hashable, CaseIterable {
  /// Smallest and largest value.
  case minmax
  /// Exponential moving average of each batch's smallest and largest value (momentum 0.9).
  case movingAverage = "moving_average"
  /// All but a share of the values.
  case percentile
  /// Least Kullback–Leibler divergence of the clipped distribution from what 128 levels can say of it.
  case entropy
  /// Least squared error of the stored values.
  case mse

  /// Whether the values between the smallest and the largest matter.
  var needsHistogram: Bool { self == .percentile || self == .entropy || self == .mse }
}

/// What one value of the graph was seen to be.
package struct ObservedRange: Sendable {
  package private(set) var histogram = Histogram()
  private var average: (low: Double, high: Double)?
  private let counts: Bool

  /// - Parameter counts: false when only the smallest and largest values matter.
  package init(counts: Bool = true) { self.counts = counts }

  /// - Returns: false when a value is not finite; nothing is added then.
  @discardableResult package mutating func add(_ values: [Float]) -> Bool {
    guard !values.isEmpty else { return true }
    guard let extremes = Extremes(values) else { return false }
    histogram.add(values, extremes, counting: counts)
    let (low, high) = (Double(extremes.least), Double(extremes.most))
    let last = average ?? (low, high)
    average = (0.9 * last.low + 0.1 * low, 0.9 * last.high + 0.1 * high)
    return true
  }

  /// The range to cover.
  ///
  /// - Parameter percentile: share of the values to keep, in percent, for that calibrator.
  package func range(_ calibrator: Calibrator, _ scheme: QuantizationScheme, percentile: Double = 99.999) -> (low: Double, high: Double) {
    guard histogram.total > 0 else { return (0, 0) }
    switch calibrator {
    case .minmax: return (histogram.smallest, histogram.largest)
    case .movingAverage: return average ?? (histogram.smallest, histogram.largest)
    case .percentile: return tails(percentile)
    case .entropy: return EntropyThreshold(histogram).range
    case .mse: return leastSquares(scheme)
    }
  }

  private func tails(_ percentile: Double) -> (Double, Double) {
    let share = histogram.total * (1 - percentile / 100) / 2
    func edge(_ bins: some Sequence<Int>) -> Double {
      var sum = 0.0
      for bin in bins {
        sum += histogram.counts[bin]
        if sum > share { return histogram.centre(bin) }
      }
      return 0
    }
    let (low, high) = (edge(0..<Histogram.binCount), edge((0..<Histogram.binCount).reversed()))
    // The outermost bins stand for the values that were really seen.
    return (max(low, histogram.smallest), min(high + histogram.width / 2, histogram.largest))
  }

  /// Tries 1.00, 0.98 … 0.20 of each side (of both together when symmetric) on the bins' centres.
  private func leastSquares(_ scheme: QuantizationScheme) -> (Double, Double) {
    let bins = histogram.counts.indices.filter { histogram.counts[$0] > 0 }
    let centres = bins.map { Float(histogram.centre($0)) }
    let weights = bins.map { histogram.counts[$0] }
    var flat = scheme
    flat.granularity = .tensor
    func error(_ low: Double, _ high: Double) -> Double {
      let (scale, zero) = QuantizationParameters.covering(low, high, scheme)
      let restored = QuantizationParameters(flat, scales: [scale], zeros: [zero]).restored(centres, shape: [centres.count])
      var sum = 0.0
      for index in centres.indices {
        let difference = Double(restored[index] - centres[index])
        sum += weights[index] * difference * difference
      }
      return sum
    }
    var range = (low: min(0, histogram.smallest), high: max(0, histogram.largest))
    let shares = stride(from: 1.0, to: 0.19, by: -0.02)
    let whole = range
    if scheme.isSymmetric {
      let best = shares.map { ($0, error(whole.low * $0, whole.high * $0)) }.min { $0.1 < $1.1 }?.0 ?? 1
      return (whole.low * best, whole.high * best)
    }
    range.high = (shares.map { (whole.high * $0, error(whole.low, whole.high * $0)) }.min { $0.1 < $1.1 })?.0 ?? whole.high
    range.low = (shares.map { (whole.low * $0, error(whole.low * $0, range.high)) }.min { $0.1 < $1.1 })?.0 ?? whole.low
    return range
  }
}

/// The threshold of least information loss: 2048 bins of magnitudes, 128 levels.
///
/// For every candidate threshold, P is the histogram below it with the tail added to its last bin, Q is P's part merged into
/// 128 levels and spread over the bins that are not empty; the threshold with the smallest KL(P ‖ Q) wins.
/// Source: S. Migacz, 8-bit Inference with TensorRT, GTC 2017.
private struct EntropyThreshold {
  private static let bins = 2048
  private static let levels = 128
  private let magnitudes: [Double]
  private let width: Double
  private let smallest: Double
  private let largest: Double

  init(_ histogram: Histogram) {
    (smallest, largest) = (histogram.smallest, histogram.largest)
    let most = max(smallest.magnitude, largest.magnitude, 1e-20)
    width = most / Double(Self.bins)
    var magnitudes = [Double](repeating: 0, count: Self.bins)
    for (bin, count) in histogram.counts.enumerated() where count > 0 {
      magnitudes[min(Self.bins - 1, Int(histogram.centre(bin).magnitude / width))] += count
    }
    self.magnitudes = magnitudes
  }

  var range: (low: Double, high: Double) {
    var best = (divergence: Double.infinity, bins: Self.bins)
    for candidate in stride(from: Self.levels, through: Self.bins, by: 16) {
      let divergence = divergence(candidate)
      if divergence < best.divergence { best = (divergence, candidate) }
    }
    let threshold = Double(best.bins) * width
    return (max(smallest, -threshold), min(largest, threshold))
  }

  private func divergence(_ count: Int) -> Double {
    let inside = magnitudes[..<count]
    var p = Array(inside)
    p[count - 1] += magnitudes[count...].reduce(0, +)
    var q = [Double](repeating: 0, count: count)
    for level in 0..<Self.levels {
      let (start, end) = (level * count / Self.levels, (level + 1) * count / Self.levels)
      let filled = (start..<end).count { inside[$0] > 0 }
      guard filled > 0 else { continue }
      let share = inside[start..<end].reduce(0, +) / Double(filled)
      for bin in start..<end where inside[bin] > 0 { q[bin] = share }
    }
    let (sumP, sumQ) = (p.reduce(0, +), q.reduce(0, +))
    guard sumP > 0, sumQ > 0 else { return .infinity }
    var result = 0.0
    for bin in 0..<count where p[bin] > 0 {
      // A bin that only holds the tail has no level: a small probability keeps the divergence finite.
      result += p[bin] / sumP * log(p[bin] / sumP / max(q[bin] / sumQ, 1e-9))
    }
    return result
  }
}
