/// SMs do not finish a stream from device memory together: extra time that grows with the stream, up to a limit.
package struct Skew: Sendable, Hashable {
  /// Of the stream's time, while it is short.
  package var share: Double
  /// When dynamic scheduling has evened it out, in the unit of the stream's time.
  package var limit: Double

  /// s·x / (1 + s·x / limit) for a stream of time x.
  package func time(_ stream: Double) -> Double {
    let skewed = share * stream
    return skewed / (1 + skewed / limit)
  }

  /// The same law where time counts in another unit, of which one of this holds `factor`.
  func scaled(by factor: Double) -> Skew { Skew(share: share, limit: limit * factor) }
}
