internal import IR

/// How the range of a weight is chosen.
package enum WeightClipping: String, Sendable, Hashable, CaseIterable {
  /// All values are in range.
  case minmax
  /// The range is shrunk where that lowers the squared error.
  case mse
}

extension QuantizationParameters {
  /// Shares of the full range that the search tries: 1.00, 0.99 … 0.30.
  private static let shrinkage = stride(from: 1.0, to: 0.295, by: -0.01).map { $0 }

  /// Scales and zero points for the values of a weight.
  ///
  /// - Parameter importance: weight of an element's squared error (the second moment of what it multiplies); nil for equal.
  package static func forWeight(
    _ values: [Float], shape: [Int], _ scheme: QuantizationScheme, _ clipping: WeightClipping, importance: [Float]? = nil
  ) -> QuantizationParameters {
    guard scheme.hasScale else { return QuantizationParameters(scheme, scales: [1], zeros: [0]) }
    let layout = ScaleLayout(shape, scheme.granularity)
    var members = [[Int32]](repeating: [], count: layout.count)
    layout.forEachRun { start, stride, length, index in
      members[index].reserveCapacity(members[index].count + length)
      for step in 0..<length { members[index].append(Int32(truncatingIfNeeded: start + step * stride)) }
    }
    var scales: [Float] = []
    var zeros: [Int64] = []
    for indices in members {
      let part = indices.map { values[Int($0)] }
      let range = (low: Double(part.min() ?? 0), high: Double(part.max() ?? 0))
      let share = clipping == .minmax ? 1 : bestShare(part, range, scheme, importance.map { all in indices.map { all[Int($0)] } })
      let (scale, zero) = covering(range.low * share, range.high * share, scheme)
      scales.append(scale)
      zeros.append(zero)
    }
    if let bits = scheme.codebookBits { return byCodebook(values, layout, scheme, (scales, zeros), bits: bits, importance) }
    if scheme.scaleFormat == .float8 { scales = doubleScaled(scales) }
    return QuantizationParameters(scheme, scales: scales, zeros: zeros)
  }

  /// Levels for all weights of a tensor or of each group of channels, each weight in units of its scale; an error counts in real
  /// units.
  private static func byCodebook(
    _ values: [Float], _ layout: ScaleLayout, _ scheme: QuantizationScheme, _ affine: (scales: [Float], zeros: [Int64]), bits: Int,
    _ importance: [Float]?
  ) -> QuantizationParameters {
    let channels = scheme.codebookChannels ?? max(1, layout.count)
    let count = (layout.count + channels - 1) / channels
    var members = [(units: [Float], weights: [Float])](repeating: ([], []), count: max(1, count))
    layout.forEachRun { start, stride, length, index in
      let table = index / channels
      for position in Swift.stride(from: start, to: start + length * stride, by: stride) {
        members[table].units.append(values[position] / affine.scales[index])
        members[table].weights.append((importance?[position] ?? 1) * affine.scales[index] * affine.scales[index])
      }
    }
    return QuantizationParameters(
      scheme, scales: affine.scales, zeros: affine.zeros,
      codebooks: members.map { Codebook($0.units, importance: $0.weights, bits: bits) })
  }

  /// Block scales in float8 E4M3 under one float32 scale: the largest block scale becomes 448.
  private static func doubleScaled(_ scales: [Float]) -> [Float] {
    let whole = (scales.max() ?? 1) / 448
    return scales.map { scale in
      let rounded = NumberFormat.round(scale / whole, to: .float8e4m3) * whole
      return rounded > 0 ? rounded : whole * 0x1p-9
    }
  }

  private static func bestShare(
    _ values: [Float], _ range: (low: Double, high: Double), _ scheme: QuantizationScheme, _ importance: [Float]?
  ) -> Double {
    var flat = scheme
    flat.granularity = .tensor
    var best = (error: Double.infinity, share: 1.0)
    for share in shrinkage {
      let (scale, zero) = covering(range.low * share, range.high * share, scheme)
      let restored = QuantizationParameters(flat, scales: [scale], zeros: [zero]).restored(values, shape: [values.count])
      var error = 0.0
      for index in values.indices {
        let difference = Double(restored[index] - values[index])
        error += difference * difference * Double(importance?[index] ?? 1)
      }
      if error < best.error { best = (error, share) }
    }
    return best.share
  }
}
