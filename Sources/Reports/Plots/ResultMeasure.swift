internal import Basic
package import Results

/// A figure of a whole result that can be an axis of a plot of several results.
package enum ResultMeasure: String, Sendable, CaseIterable {
  case latency, throughput, energy, weights, traffic, accuracy

  fileprivate var measure: ParetoPlot.Measure {
    switch self {
    case .latency: .init("latency", .seconds, .lowerIsBetter)
    case .throughput: .init("throughput per second", .count, .higherIsBetter)
    case .energy: .init("energy", .joules, .lowerIsBetter)
    case .weights: .init("weights", .bytes, .lowerIsBetter)
    case .traffic: .init("bytes through the outermost memory", .bytes, .lowerIsBetter)
    case .accuracy: .init("accuracy", .share, .higherIsBetter)
    }
  }

  /// Not a number where the result does not know the figure: such points are left out, never drawn at zero.
  fileprivate func value(_ result: RunResult, accuracy: Double?) -> Double {
    switch self {
    case .latency: result.totals.latencySeconds
    case .throughput: result.totals.throughputPerSecond
    case .energy: result.totals.energyJoules ?? .nan
    case .weights: Double(result.model.weightBytes)
    case .traffic: Double(result.totals.bytesMoved["dram"] ?? result.totals.bytesMoved.values.max() ?? 0)
    case .accuracy: accuracy ?? .nan
    }
  }
}

extension ParetoPlot {
  /// One point per result; `accuracy` holds a measured share per result, in their order, or nothing.
  package init(_ results: [(name: String, result: RunResult)], accuracy: [Double], x: ResultMeasure, y: ResultMeasure) {
    self.init(
      title: "\(y.measure.name) against \(x.measure.name), \(results.count) results", horizontal: x.measure, vertical: y.measure,
      points: results.enumerated().map { index, entry in
        let share = accuracy.indices.contains(index) ? accuracy[index] : nil
        return Point(
          name: entry.name, series: entry.result.target.name, x: x.value(entry.result, accuracy: share),
          y: y.value(entry.result, accuracy: share))
      })
  }

  /// Names of points that cannot be drawn because a figure is not known.
  package var unknown: [String] { points.filter { !$0.x.isFinite || !$0.y.isFinite }.map(\.name) }
}
