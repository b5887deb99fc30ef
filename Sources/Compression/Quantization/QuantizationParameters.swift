package import IR
internal import Ops

/// Scales and zero points of one tensor: value = (stored − zero)·scale.
package struct QuantizationParameters: Sendable, Hashable {
  package let scheme: QuantizationScheme
  /// In the order of `layout`.
  package let scales: [Float]
  package let zeros: [Int64]
  /// The stored numbers that occur, of the tensor or of every group of channels; empty when all may.
  let codebooks: [Codebook]

  package init(_ scheme: QuantizationScheme, scales: [Float], zeros: [Int64]) {
    self.init(scheme, scales: scales, zeros: zeros, codebooks: [])
  }

  init(_ scheme: QuantizationScheme, scales: [Float], zeros: [Int64], codebooks: [Codebook]) {
    self.codebooks = codebooks
    self.scheme = scheme
    self.scales = scales
    self.zeros = zeros
  }

  /// The position of the table for what has the scale of this index.
  func table(ofScale index: Int) -> Int { scheme.codebookChannels.map { min(index / $0, codebooks.count - 1) } ?? 0 }

  /// The scale and zero point that cover a range, which is widened to hold 0 (as ONNX's operators want it).
  ///
  /// Asymmetric: scale = (high − low)/(qmax − qmin), zero = round(qmin − low/scale). Symmetric: scale = max(|low|, |high|)/qmax.
  package static func covering(
    _ low: Double, _ high: Double, _ scheme: QuantizationScheme
  ) -> (scale: Float, zero: Int64) {
    let codes = scheme.codeRange
    let (low, high) = (min(low, 0), max(high, 0))
    let isInteger = scheme.storage.isInteger
    if isInteger, !scheme.isSymmetric {
      let scale = rounded((high - low) / (codes.upperBound - codes.lowerBound), scheme)
      let zero = (codes.lowerBound - low / Double(scale)).rounded(.toNearestOrEven)
      return (scale, Int64(min(max(zero, codes.lowerBound), codes.upperBound)))
    }
    let middle: Double = isInteger && scheme.storage.isUnsignedInteger ? ((codes.upperBound + 1) / 2) : 0
    return (rounded(max(-low, high) / (codes.upperBound - middle), scheme), Int64(middle))
  }

  /// A usable scale: positive, normal, and of the scheme's format.
  static func rounded(_ scale: Double, _ scheme: QuantizationScheme) -> Float {
    guard scale.isFinite, scale > 1e-30 else { return 1 }
    guard scheme.scaleFormat == .powerOfTwo else { return Float(scale) }
    // OCP MX 1.0 §6.3: 2^(⌊log2 max⌋ − ⌊log2 largest code⌋); the largest codes saturate.
    let largest = scheme.storage == .float4e2m1 ? 6.0 : scheme.codeRange.upperBound
    let exponent = (scale * largest).exponent - largest.exponent
    return Float(sign: .plus, exponent: Int(exponent), significand: 1)
  }

  /// Which elements share a scale, for a tensor of this shape.
  package func layout(_ shape: [Int]) -> ScaleLayout { ScaleLayout(shape, scheme.granularity) }
}

/// Runs of elements that share a scale: `outer × extent × inner`, `size` neighbours of the middle axis together.
package struct ScaleLayout: Sendable, Hashable {
  package let outer: Int
  package let extent: Int
  package let inner: Int
  /// Neighbours along the axis that share a scale.
  package let size: Int
  /// One scale for every outer index as well (blocks), or shared by all of them (channels).
  package let isBlocked: Bool

  package init(_ shape: [Int], _ granularity: Encoding.Quantization.Granularity) {
    let count = shape.reduce(1, *)
    switch granularity {
    case .tensor: (outer, extent, inner, size, isBlocked) = (1, 1, count, 1, false)
    case .channel(let axis):
      (outer, extent, inner) = Self.split(shape, axis)
      (size, isBlocked) = (1, false)
    case .group(let axis, let block):
      (outer, extent, inner) = Self.split(shape, axis)
      (size, isBlocked) = (max(1, block), true)
    case .token: (outer, extent, inner, size, isBlocked) = (1, count / max(1, shape.last ?? 1), shape.last ?? 1, 1, false)
    }
  }

  private static func split(_ shape: [Int], _ axis: Int) -> (Int, Int, Int) {
    let position = axis < 0 ? axis + shape.count : axis
    guard shape.indices.contains(position) else { return (1, 1, shape.reduce(1, *)) }
    return (shape[..<position].reduce(1, *), shape[position], shape[(position + 1)...].reduce(1, *))
  }

  /// Blocks along the axis.
  package var blocks: Int { (extent + size - 1) / size }
  /// Number of scales.
  package var count: Int { isBlocked ? outer * blocks * inner : extent }

  /// Visits every run of consecutive elements with one scale: (first element, stride, length, scale).
  package func forEachRun(_ body: (_ start: Int, _ stride: Int, _ length: Int, _ scale: Int) -> Void) {
    for o in 0..<outer {
      let base = o * extent * inner
      if !isBlocked {
        for e in 0..<extent { body(base + e * inner, 1, inner, e) }
        continue
      }
      for block in 0..<blocks {
        let first = block * size
        let length = min(size, extent - first)
        for i in 0..<inner { body(base + first * inner + i, inner, length, (o * blocks + block) * inner + i) }
      }
    }
  }

  /// The scale of one element.
  package func scale(of element: Int) -> Int {
    let along = element / inner % extent
    guard isBlocked else { return along }
    return (element / (inner * extent) * blocks + along / size) * inner + element % inner
  }
}
