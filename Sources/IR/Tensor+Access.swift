extension Tensor {
  /// The elements as doubles, whatever they are stored in; booleans as 0 and 1, strings refused.
  package func doubles() throws(OperatorError) -> [Double] {
    switch elements {
    case .float32(let values): values.map(Double.init)
    case .float64(let values): values
    case .int8(let values): values.map(Double.init)
    case .uint8(let values): values.map(Double.init)
    case .int32(let values): values.map(Double.init)
    case .int64(let values): element == .uint64 ? values.map { Double(UInt64(bitPattern: $0)) } : values.map(Double.init)
    case .bool(let values): values.map { $0 ? 1 : 0 }
    case .string: throw OperatorError("numeric-expected", "a string tensor stands where numbers are needed")
    }
  }

  package func floats() throws(OperatorError) -> [Float] {
    switch elements {
    case .float32(let values): values
    case .int8(let values): values.map(Float.init)
    case .uint8(let values): values.map(Float.init)
    case .int32(let values): values.map(Float.init)
    default: try doubles().map(Float.init)
    }
  }

  /// The elements as 64-bit integers; floats are truncated towards zero and saturate, NaN is 0.
  package func integers() throws(OperatorError) -> [Int64] {
    switch elements {
    case .int64(let values): values
    case .int32(let values): values.map(Int64.init)
    case .int8(let values): values.map(Int64.init)
    case .uint8(let values): values.map(Int64.init)
    case .bool(let values): values.map { $0 ? 1 : 0 }
    default: try doubles().map(\.clampedInt64)
    }
  }

  /// Elements of `element` from doubles: floats rounded to the format, integers rounded to nearest even and saturated.
  package init(_ element: ElementType, _ shape: [Int], rounding values: [Double]) {
    switch element {
    case .float64: self.init(element, shape, .float64(values))
    case .float32: self.init(element, shape, .float32(values.map(Float.init)))
    case .bool: self.init(element, shape, .bool(values.map { $0 != 0 }))
    default:
      if element.isFloat {
        self.init(element, shape, .float32(values.map { NumberFormat.round(Float($0), to: element) }))
      } else {
        self.init(element, shape, saturating: values.map { $0.rounded(.toNearestOrEven).clampedInt64 })
      }
    }
  }

  /// Elements of an integer, bool or float type from integers, saturated to its range.
  package init(_ element: ElementType, _ shape: [Int], saturating values: [Int64]) {
    let range = NumberFormat.integerRange(of: element) ?? Int64.min...Int64.max
    self.init(element, shape, exact: values.map { Swift.min(Swift.max($0, range.lowerBound), range.upperBound) })
  }

  /// Elements of an integer, bool or float type from integers, wrapped to its width as machine arithmetic does.
  package init(_ element: ElementType, _ shape: [Int], wrapping values: [Int64]) {
    let bits = element.bits
    guard element.isInteger, bits < 64 else {
      self.init(element, shape, exact: values)
      return
    }
    let shift = Int64(64 - bits)
    self.init(
      element, shape,
      exact: values.map { element.isSignedInteger ? ($0 << shift) >> shift : $0 & ((1 << Int64(bits)) - 1) })
  }

  /// Elements that are known to be in range.
  private init(_ element: ElementType, _ shape: [Int], exact values: [Int64]) {
    switch element {
    case .bool: self.init(element, shape, .bool(values.map { $0 != 0 }))
    case .int8, .int4, .int2: self.init(element, shape, .int8(values.map { Int8(truncatingIfNeeded: $0) }))
    case .uint8, .uint4, .uint2: self.init(element, shape, .uint8(values.map { UInt8(truncatingIfNeeded: $0) }))
    case .int32, .int16, .uint16: self.init(element, shape, .int32(values.map { Int32(truncatingIfNeeded: $0) }))
    case .float64: self.init(element, shape, .float64(values.map(Double.init)))
    case .float32, .float16, .bfloat16, .tfloat32, .float8e4m3, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1:
      self.init(element, shape, .float32(values.map { NumberFormat.round(Float($0), to: element) }))
    default: self.init(element, shape, .int64(values))
    }
  }

  /// The same elements in another shape of equal count.
  package func reshaped(_ shape: [Int]) -> Tensor { Tensor(element, shape, elements) }
}

extension Double {
  /// Truncated towards zero, saturated; NaN is 0.
  package var clampedInt64: Int64 {
    if isNaN { return 0 }
    if self >= 9.223372036854775e18 { return .max }
    if self <= -9.223372036854775e18 { return .min }
    return Int64(self)
  }
}
