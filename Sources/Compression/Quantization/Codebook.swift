/// Few integer levels that all weights of a tensor take, found by weighted k-means on the line.
///
/// A weight is level[index]·scale, with the scale of its channel or tensor. Levels are 8-bit integers, so that a machine without
/// a decoder of its own computes with decoded 8-bit weights.
struct Codebook: Sendable, Hashable {
  /// In rising order; 2^bits of them, repeated at the end where fewer differ.
  let levels: [Float]

  /// Steps of a unit in which weights are told apart while levels are sought.
  private static let finest: Float = 4

  /// The levels of least squared error, found exactly: a partition of sorted numbers into runs, by dynamic programming.
  ///
  /// The best start of the last run grows with its end, so that each layer of the recurrence costs n·log n.
  /// Source: Wang and Song, Ckmeans.1d.dp, The R Journal 3/2 (2011).
  ///
  /// - Parameters:
  ///   - values: weights in units of their scales, −127…127.
  ///   - importance: weight of each value's squared error.
  init(_ values: [Float], importance: [Float], bits: Int) {
    let middle = Int(128 * Self.finest)
    var masses = [Double](repeating: 0, count: 2 * middle + 1)
    var moments = masses
    var hasZero = false
    for (index, value) in values.enumerated() {
      let bin = min(max(Int((value * Self.finest).rounded()) + middle, 0), 2 * middle)
      let weight = max(Double(importance[index]), 1e-30)
      masses[bin] += weight
      moments[bin] += weight * Double(value)
      hasZero = hasZero || value == 0
    }
    let points = masses.indices.filter { masses[$0] > 0 }.map { (mass: masses[$0], centre: moments[$0] / masses[$0]) }
    var centres = LinePartition(points).centres(1 << bits)
    // Weights that were removed stay removed: a level of exactly 0 where there are zeros.
    if hasZero, let nearest = centres.indices.min(by: { abs(centres[$0]) < abs(centres[$1]) }) { centres[nearest] = 0 }
    let found = centres.map { Float(min(max($0.rounded(.toNearestOrEven), -127), 127)) }.sorted()
    levels = found + [Float](repeating: found.last ?? 0, count: (1 << bits) - found.count)
  }

  /// The nearest level; the lower of two equally near ones.
  func index(of value: Float) -> Int {
    var (low, high) = (0, levels.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if value - levels[middle] > levels[middle + 1] - value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Sorted points with masses, cut into runs of least squared error around their means.
private struct LinePartition {
  private var mass = [0.0]
  private var moment = [0.0]
  private var square = [0.0]
  private let count: Int

  init(_ points: [(mass: Double, centre: Double)]) {
    count = points.count
    for point in points {
      mass.append((mass.last ?? 0) + point.mass)
      moment.append((moment.last ?? 0) + point.mass * point.centre)
      square.append((square.last ?? 0) + point.mass * point.centre * point.centre)
    }
  }

  /// Σ m·(x − mean)² of points `start..<end`.
  private func error(_ start: Int, _ end: Int) -> Double {
    let (m, s) = (mass[end] - mass[start], moment[end] - moment[start])
    return m > 0 ? max(0, square[end] - square[start] - s * s / m) : 0
  }

  /// Means of the runs, at most `limit` of them.
  func centres(_ limit: Int) -> [Double] {
    let runs = min(limit, count)
    guard runs > 0 else { return [0] }
    var errors = (0...count).map { error(0, $0) }
    var starts: [[Int]] = []
    for _ in 1..<max(runs, 1) {
      var next = errors
      var chosen = [Int](repeating: 0, count: count + 1)
      fill(1...count, among: 0...count, errors, &next, &chosen)
      errors = next
      starts.append(chosen)
    }
    var result: [Double] = []
    var end = count
    for chosen in starts.reversed() where end > 0 {
      result.append(mean(chosen[end], end))
      end = chosen[end]
    }
    if end > 0 { result.append(mean(0, end)) }
    return result.filter(\.isFinite).sorted()
  }

  private func mean(_ start: Int, _ end: Int) -> Double { (moment[end] - moment[start]) / (mass[end] - mass[start]) }

  /// Best starts of the last run for the ends of a range, the middle one first: it bounds those on both sides.
  private func fill(
    _ ends: ClosedRange<Int>, among starts: ClosedRange<Int>, _ before: [Double], _ errors: inout [Double], _ chosen: inout [Int]
  ) {
    let end = (ends.lowerBound + ends.upperBound) / 2
    var best = (error: Double.infinity, start: starts.lowerBound)
    for start in starts.lowerBound...max(starts.lowerBound, min(starts.upperBound, end)) {
      let candidate = before[start] + error(start, end)
      if candidate < best.error { best = (candidate, start) }
    }
    (errors[end], chosen[end]) = best
    if ends.lowerBound < end { fill(ends.lowerBound...(end - 1), among: starts.lowerBound...best.start, before, &errors, &chosen) }
    if end < ends.upperBound { fill((end + 1)...ends.upperBound, among: best.start...starts.upperBound, before, &errors, &chosen) }
  }
}
