/// Rounding of a number to an element type: to nearest, ties to even; integers saturate.
package enum NumberFormat {
  /// The nearest value the type can hold. Float8 E4M3 and float4 saturate; other overflows give infinity.
  package static func round(_ value: Float, to element: ElementType) -> Float {
    switch element {
    case .float16: Float(Float16(value))
    case .bfloat16: bfloat16(value)
    case .tfloat32: small(value, mantissaBits: 10, minimumExponent: -126, maximum: .greatestFiniteMagnitude, overflow: .infinity)
    case .float8e4m3: small(value, mantissaBits: 3, minimumExponent: -6, maximum: 448, overflow: .nan)
    case .float8e4m3fnuz: small(value, mantissaBits: 3, minimumExponent: -7, maximum: 240, overflow: .nan)
    case .float8e5m2: small(value, mantissaBits: 2, minimumExponent: -14, maximum: 57344, overflow: .infinity)
    case .float8e5m2fnuz: small(value, mantissaBits: 2, minimumExponent: -15, maximum: 57344, overflow: .nan)
    case .float4e2m1: small(value, mantissaBits: 1, minimumExponent: 0, maximum: 6, overflow: 6)
    default: value
    }
  }

  /// Smallest and largest value of an integer type (uint64 as far as Int64 goes).
  package static func integerRange(of element: ElementType) -> ClosedRange<Int64>? {
    switch element {
    case .int64: Int64.min...Int64.max
    case .uint64: 0...Int64.max
    case .int32: Int64(Int32.min)...Int64(Int32.max)
    case .uint32: 0...Int64(UInt32.max)
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int8: -128...127
    case .uint8: 0...255
    case .int4: -8...7
    case .uint4: 0...15
    case .int2: -2...1
    case .uint2: 0...3
    case .bool: 0...1
    default: nil
    }
  }

  private static func bfloat16(_ value: Float) -> Float {
    guard value.isFinite else { return value }
    let bits = value.bitPattern
    let rounding = UInt32(0x7FFF) + ((bits >> 16) & 1)
    return Float(bitPattern: (bits &+ rounding) & 0xFFFF_0000)
  }

  /// A format of few mantissa bits with subnormals below `minimumExponent`. Saturates at `maximum` after rounding unless
  /// `overflow` is returned for infinities; NaN stays NaN.
  private static func small(
    _ value: Float, mantissaBits: Int, minimumExponent: Int, maximum: Float, overflow: Float
  ) -> Float {
    guard value.isFinite, value != 0 else { return value.isInfinite ? (overflow.isNaN ? .nan : (value < 0 ? -overflow : overflow)) : value }
    let exponent = max(Int(value.exponent), minimumExponent)
    let quantum = Float(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
    let rounded = (value / quantum).rounded(.toNearestOrEven) * quantum
    return rounded.magnitude > maximum ? (value < 0 ? -maximum : maximum) : rounded
  }
}
