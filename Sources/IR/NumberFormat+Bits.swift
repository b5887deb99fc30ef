extension NumberFormat {
  /// The number a bit pattern of a format of at most 16 bits stands for; nil for types that are no such format.
  package static func decode(_ bits: UInt16, as element: ElementType) -> Float? {
    switch element {
    case .float16: return Float(Float16(bitPattern: bits))
    case .bfloat16: return Float(bitPattern: UInt32(bits) << 16)
    default: break
    }
    guard let layout = Layout(element) else { return nil }
    let exponent = Int(bits >> UInt16(layout.mantissa)) & ((1 << layout.exponent) - 1)
    let mantissa = Int(bits) & ((1 << layout.mantissa) - 1)
    let isNegative = bits >> UInt16(layout.mantissa + layout.exponent) & 1 == 1
    switch layout.special {
    case .none: break
    case .negativeZeroIsNaN: if isNegative, exponent == 0, mantissa == 0 { return .nan }
    case .allOnesIsNaN: if exponent == 15, mantissa == 7 { return .nan }
    case .ieee:
      if exponent == (1 << layout.exponent) - 1 { return mantissa != 0 ? .nan : isNegative ? -.infinity : .infinity }
    }
    let scale = Float(sign: .plus, exponent: max(exponent, 1) - layout.bias - layout.mantissa, significand: 1)
    let magnitude = Float(mantissa + (exponent == 0 ? 0 : 1 << layout.mantissa)) * scale
    return isNegative ? -magnitude : magnitude
  }

  /// The bit pattern of a number that was already rounded to a format of at most 16 bits; nil for other types.
  package static func encode(_ value: Float, as element: ElementType) -> UInt16? {
    switch element {
    case .float16: return Float16(value).bitPattern
    case .bfloat16: return UInt16(truncatingIfNeeded: round(value, to: .bfloat16).bitPattern >> 16)
    default: break
    }
    guard let layout = Layout(element) else { return nil }
    let sign = UInt16(value.sign == .minus ? 1 : 0) << UInt16(layout.mantissa + layout.exponent)
    let negativeZero = UInt16(1) << UInt16(layout.mantissa + layout.exponent)
    if value.isNaN || (value.isInfinite && layout.special != .ieee) {
      switch layout.special {
      case .none: return 0
      case .negativeZeroIsNaN: return negativeZero
      case .allOnesIsNaN, .ieee: return sign | (negativeZero - 1)
      }
    }
    if value.isInfinite { return sign | UInt16(((1 << layout.exponent) - 1) << layout.mantissa) }
    if value == 0 { return layout.special == .negativeZeroIsNaN ? 0 : sign }
    let minimum = 1 - layout.bias
    let exponent = max(Int(value.exponent), minimum)
    let units = value.magnitude / Float(sign: .plus, exponent: exponent - layout.mantissa, significand: 1)
    // Subnormals have no implicit leading one, so their exponent field is 0 by itself.
    let field = (exponent - minimum) << layout.mantissa
    return sign | UInt16(truncatingIfNeeded: field + Int(units))
  }

  /// Fields of a format of 4 or 8 bits: sign, `exponent` bits with `bias`, `mantissa` bits.
  private struct Layout {
    enum Special { case none, ieee, allOnesIsNaN, negativeZeroIsNaN }
    var exponent: Int
    var mantissa: Int
    var bias: Int
    var special: Special

    init?(_ element: ElementType) {
      switch element {
      case .float8e4m3: (exponent, mantissa, bias, special) = (4, 3, 7, .allOnesIsNaN)
      case .float8e4m3fnuz: (exponent, mantissa, bias, special) = (4, 3, 8, .negativeZeroIsNaN)
      case .float8e5m2: (exponent, mantissa, bias, special) = (5, 2, 15, .ieee)
      case .float8e5m2fnuz: (exponent, mantissa, bias, special) = (5, 2, 16, .negativeZeroIsNaN)
      case .float4e2m1: (exponent, mantissa, bias, special) = (2, 1, 1, .none)
      default: return nil
      }
    }
  }
}
