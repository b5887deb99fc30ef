/// How predictions of a group compare with measurements; shares and errors as fractions.
package struct ErrorStatistics: Sendable, Codable, Hashable {
  package var rows: Int
  package var skipped: Int
  /// Mean of |p − m| / m.
  package var mape: Double
  package var medianApe: Double
  package var p90Ape: Double
  package var within10: Double
  package var within20: Double
  /// Mean of (p − m) / m: positive when predictions are too slow.
  package var bias: Double
  /// Rank correlation, ties averaged.
  package var spearman: Double
  /// Mean of |p − m| in the unit of the measured column.
  package var meanAbsoluteError: Double

  package init(pairs: [(measured: Double, predicted: Double)], skipped: Int) {
    rows = pairs.count
    self.skipped = skipped
    let relative = pairs.map(Self.relativeError)
    let errors = relative.map(abs).sorted()
    let count = Double(max(pairs.count, 1))
    mape = errors.reduce(0, +) / count
    medianApe = Self.quantile(errors, 0.5)
    p90Ape = Self.quantile(errors, 0.9)
    within10 = Double(errors.count { $0 <= 0.1 }) / count
    within20 = Double(errors.count { $0 <= 0.2 }) / count
    bias = relative.reduce(0, +) / count
    meanAbsoluteError = pairs.reduce(0) { $0 + abs($1.predicted - $1.measured) } / count
    spearman = Self.correlation(Self.ranks(pairs.map(\.measured)), Self.ranks(pairs.map(\.predicted)))
  }

  /// (p − m) / m; a measured zero that is missed counts as a whole error, because no share of nothing can be told.
  private static func relativeError(_ pair: (measured: Double, predicted: Double)) -> Double {
    guard pair.measured != 0 else { return pair.predicted == 0 ? 0 : pair.predicted < 0 ? -1 : 1 }
    return (pair.predicted - pair.measured) / abs(pair.measured)
  }

  private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    guard let last = sorted.last else { return 0 }
    let position = share * Double(sorted.count - 1)
    let index = Int(position)
    guard index + 1 < sorted.count else { return last }
    return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
  }

  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
      for index in start...end { ranks[order[index]] = Double(start + end) / 2 }
      start = end + 1
    }
    return ranks
  }

  private static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count > 1 else { return 1 }
    let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    var (product, squareA, squareB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += (x - meanA) * (y - meanB)
      squareA += (x - meanA) * (x - meanA)
      squareB += (y - meanB) * (y - meanB)
    }
    return squareA > 0 && squareB > 0 ? product / (squareA * squareB).squareRoot() : 1
  }
}
