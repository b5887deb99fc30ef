package import IR

/// Conversion of elements from one type to another as ONNX defines it.
package struct ElementConversion {
  package var to: ElementType
  package var saturates: Bool

  package init(to: ElementType, saturates: Bool = true) {
    self.to = to
    self.saturates = saturates
  }

  /// Known extents pass through numeric casts; truth values only when they are numbers.
  package static func contents(_ context: InferenceContext, _ to: ElementType) -> ShapeContents? {
    if to == .bool { return context.knownIntegers(0)?.map { .constant($0 == 0 ? 0 : 1) } }
    return to == .string ? nil : context.known(0)
  }

  package func convert(_ x: Tensor) throws(OperatorError) -> Tensor {
    if x.element == to { return x }
    if to == .string { return Tensor(.string, x.shape, .string(try spelled(x))) }
    if case .string(let texts) = x.elements { return try parsed(texts, x.shape) }
    if to.isFloat { return try floating(x) }
    if to == .bool { return Tensor(.bool, x.shape, .bool(try x.doubles().map { $0 != 0 })) }
    guard x.element.isFloat else { return Tensor(to, x.shape, wrapping: try x.integers()) }
    if to.bits == 4 { return Tensor(to, x.shape, rounding: try x.doubles()) }
    if to == .uint64 {
      return Tensor(
        .uint64, x.shape,
        .int64(
          try x.doubles().map {
            $0 >= 0x1p63 ? Int64(bitPattern: UInt64(min($0, 0x1.fffffffffffffp63))) : $0.clampedInt64
          }))
    }
    return Tensor(to, x.shape, wrapping: try x.doubles().map(\.clampedInt64))
  }

  private func floating(_ x: Tensor) throws(OperatorError) -> Tensor {
    switch (to, x.elements) {
    case (.float64, _): return Tensor(.float64, x.shape, .float64(try x.doubles()))
    case (.float32, .int64(let values)) where x.element != .uint64:
      return Tensor(.float32, x.shape, .float32(values.map { Float($0) }))
    case (.float32, _): return Tensor(.float32, x.shape, .float32(try x.floats()))
    case (.float16, .float64(let values)): return Tensor(.float16, x.shape, .float32(values.map { Float(Float16($0)) }))
    default: return Tensor(to, x.shape, .float32(try x.floats().map(narrowed)))
    }
  }

  /// Rounded to a float format of at most 16 bits.
  private func narrowed(_ value: Float) -> Float {
    guard to.bits == 8 else { return NumberFormat.round(value, to: to) }
    if value.isNaN { return .nan }
    let largest = NumberFormat.round(.greatestFiniteMagnitude, to: to)
    if saturates {
      return value.isInfinite ? (value < 0 ? -largest : largest) : NumberFormat.round(value, to: to)
    }
    // Rounding saturates, so a value that came out as the largest is compared with where the next one would begin.
    let rounded = value.isInfinite ? value : NumberFormat.round(value, to: to)
    let halfStep = Float(
      sign: .plus, exponent: Int(largest.exponent) - (to == .float8e4m3 || to == .float8e4m3fnuz ? 4 : 3),
      significand: 1)
    // Ties go to the even neighbour: upwards, and so out of range, exactly when the largest number is odd.
    let largestIsOdd = Int(largest / (2 * halfStep)) % 2 == 1
    let beyond = value.magnitude > largest + halfStep || (value.magnitude == largest + halfStep && largestIsOdd)
    guard beyond || value.isInfinite else { return rounded }
    if to == .float8e5m2 { return value < 0 ? -.infinity : .infinity }
    return .nan
  }

  private func spelled(_ x: Tensor) throws(OperatorError) -> [String] {
    switch x.elements {
    case .float32(let values): values.map { spelled(Double($0), "\($0)") }
    case .float64(let values): values.map { spelled($0, "\($0)") }
    case .bool(let values): values.map { $0 ? "1" : "0" }
    case .string(let values): values
    default: try x.integers().map { x.element == .uint64 ? "\(UInt64(bitPattern: $0))" : "\($0)" }
    }
  }

  private func spelled(_ value: Double, _ text: String) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-INF" : "INF" }
    return text
  }

  private func parsed(_ texts: [String], _ shape: [Int]) throws(OperatorError) -> Tensor {
    func number<T>(_ text: String, _ parse: (String) -> T?) throws(OperatorError) -> T {
      guard let value = parse(text) else { throw OperatorError("number-expected", "'\(text)' is not a number") }
      return value
    }
    if to.isInteger {
      var values: [Int64] = []
      for text in texts { values.append(try number(text) { Int64($0) ?? Double($0)?.clampedInt64 }) }
      return Tensor(to, shape, wrapping: values)
    }
    var values: [Double] = []
    for text in texts { values.append(try number(text) { Double($0) }) }
    if to == .bool { return Tensor(.bool, shape, .bool(values.map { $0 != 0 })) }
    if to == .float32 { return Tensor(shape, floats: texts.map { Float($0) ?? .nan }) }
    return try floating(Tensor(.float64, shape, .float64(values)))
  }
}
