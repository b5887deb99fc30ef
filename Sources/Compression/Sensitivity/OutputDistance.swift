internal import Foundation
package import IR

/// How far the outputs of a changed model are from the original's, gathered over batches.
package struct OutputDistance: Sendable {
  private var signal = 0.0
  private var noise = 0.0
  private var divergence = 0.0
  private var rows = 0

  package init() {}

  /// Adds one output of one batch: numbers along the last axis belong to one sample.
  package mutating func add(_ changed: Tensor, exact: Tensor) {
    guard let a = try? changed.doubles(), let b = try? exact.doubles(), a.count == b.count else { return }
    for (x, y) in zip(a, b) {
      signal += y * y
      noise += (x - y) * (x - y)
    }
    let width = max(1, exact.shape.last ?? 1)
    for start in stride(from: 0, to: a.count, by: width) {
      divergence += Self.divergence(from: b[start..<(start + width)], to: a[start..<(start + width)])
      rows += 1
    }
  }

  /// Adds what was gathered elsewhere.
  package mutating func add(_ other: OutputDistance) {
    signal += other.signal
    noise += other.noise
    divergence += other.divergence
    rows += other.rows
  }

  /// Noise over signal of the outputs; −10·log10 of it is the SQNR in dB.
  package var relativeNoise: Double { signal > 0 ? noise / signal : 0 }

  /// Mean of Σ p·log(p/q) with p, q the softmax of the original's and the changed outputs.
  package var meanDivergence: Double { rows > 0 ? divergence / Double(rows) : 0 }

  private static func divergence(from exact: ArraySlice<Double>, to changed: ArraySlice<Double>) -> Double {
    let (p, q) = (logSoftmax(exact), logSoftmax(changed))
    return max(0, zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) })
  }

  private static func logSoftmax(_ values: ArraySlice<Double>) -> [Double] {
    let top = values.max() ?? 0
    let total = top + log(values.reduce(0) { $0 + exp($1 - top) })
    return values.map { $0 - total }
  }
}
