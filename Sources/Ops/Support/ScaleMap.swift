package import IR

/// Which scale every element of a quantised tensor uses: one for all, one per index of an axis, or one per block.
package struct ScaleMap {
  private let split: AxisSplit
  private let granularity: Granularity

  private enum Granularity {
    case tensor
    case axis
    /// `size` consecutive elements along the axis share a scale; `count` blocks along it.
    case block(size: Int, count: Int)
  }

  package init(_ shape: [Int], scale: [Int], axis: Int, blockSize: Int) throws(OperatorError) {
    let scales = scale.reduce(1, *)
    if scales == 1, blockSize == 0 {
      split = AxisSplit(shape + [1], axis: shape.count)
      granularity = .tensor
      return
    }
    let position = try resolveAxis(axis, rank: shape.count)
    split = AxisSplit(shape, axis: position)
    if blockSize == 0 {
      guard scales == shape[position] else {
        throw OperatorError("scale-shape", "\(scales) scales do not fit axis \(position) of \(shape)")
      }
      granularity = .axis
      return
    }
    var wanted = shape
    wanted[position] = shape[position].ceilingQuotient(max(1, blockSize))
    guard blockSize > 0, scale == wanted else {
      throw OperatorError("scale-shape", "scales of shape \(scale) do not fit blocks of \(blockSize) in \(shape)")
    }
    granularity = .block(size: blockSize, count: wanted[position])
  }

  /// Calls `body(elements, position of their scale)` for consecutive elements that share a scale, in order.
  func forEachRun(_ count: Int, _ body: (Range<Int>, Int) -> Void) {
    let length =
      switch granularity {
      case .tensor: count
      case .axis: split.inner
      case .block(let size, _): split.inner == 1 && split.extent % size == 0 ? size : 1
      }
    guard length > 0 else { return }
    for start in stride(from: 0, to: count, by: length) { body(start..<start + length, index(of: start)) }
  }

  /// One scale for all elements.
  static let uniform = ScaleMap(split: AxisSplit([1], axis: 0), granularity: .tensor)

  private init(split: AxisSplit, granularity: Granularity) {
    self.split = split
    self.granularity = granularity
  }

  /// Position of the scale of an element.
  package func index(of element: Int) -> Int {
    switch granularity {
    case .tensor: 0
    case .axis: element / split.inner % split.extent
    case .block(let size, let count):
      (element / (split.inner * split.extent) * count + element / split.inner % split.extent / size) * split.inner
        + element % split.inner
    }
  }
}

/// A number pair of a quantised tensor: value = (stored − zero)·scale.
package struct ScalePair {
  package let scale: Float
  package let zero: Int64

  /// Scale and zero point of a whole tensor.
  package init(_ inputs: [Datum?], _ index: Int) throws(OperatorError) {
    guard let scale = try inputs.tensor(index).floats().first else { throw OperatorError("scale-shape", "input \(index) is empty") }
    self.scale = scale
    zero = try inputs.optionalTensor(index + 1)?.integers().first ?? 0
  }

  package init(scale: Float, zero: Int64) {
    self.scale = scale
    self.zero = zero
  }

  /// The stored integers as real numbers.
  package func dequantized(_ tensor: Tensor) throws(OperatorError) -> [Float] {
    if let values = try ScaleMap.uniform.dequantize(tensor, scales: [scale], zeros: [Float(zero)]) { return values }
    return try tensor.integers().map { Float($0 - zero) * scale }
  }

  /// Real numbers as stored integers: divided, rounded to even, shifted, saturated.
  package func quantized(_ values: [Float], _ element: ElementType, _ shape: [Int]) -> Tensor {
    ScaleMap.uniform.quantize(values, to: element, shape, scales: [scale], zeros: [zero])
      ?? Tensor(
        element, shape, saturating: values.map { Double(($0 / scale).rounded(.toNearestOrEven)).clampedInt64.addingSaturated(zero) })
  }
}

extension Int64 {
  /// The sum, at the end of the range on overflow.
  package func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }
}
