package import IR
internal import Foundation

extension BinaryElementwise.Function {
  /// Reference semantics on two broadcast tensors.
  package func apply(_ a: Tensor, _ b: Tensor) throws(OperatorError) -> Tensor {
    let shape = try Broadcast.numbers([a.shape, b.shape])
    _ = try shape.evaluableCount()
    let pair = BroadcastOperands(a: a, b: b, shape: shape)
    if isPredicate { return Tensor(.bool, shape, .bool(try predicate(pair))) }
    switch (a.elements, b.elements) {
    case (.float32(let x), .float32(let y)):
      let values = try floats(x, y, pair)
      return Tensor(
        a.element, shape,
        .float32(a.element == .float32 ? values : values.map { NumberFormat.round($0, to: a.element) }))
    case (.float64(let x), .float64(let y)): return Tensor(.float64, shape, .float64(try doubles(x, y, pair)))
    default: break
    }
    guard a.element.isInteger || a.element == .bool, b.element.isInteger else {
      return Tensor(a.element, shape, truncating: try doubles(try a.doubles(), try b.doubles(), pair))
    }
    return Tensor(a.element, shape, wrapping: try integers(try a.integers(), try b.integers(), pair))
  }

  private func floats(_ x: [Float], _ y: [Float], _ p: BroadcastOperands) throws(OperatorError) -> [Float] {
    switch self {
    case .add: return p.map(x, y) { $0 + $1 }
    case .sub: return p.map(x, y) { $0 - $1 }
    case .mul: return p.map(x, y) { $0 * $1 }
    case .div: return p.map(x, y) { $0 / $1 }
    case .prelu: return p.map(x, y) { $0 < 0 ? $0 * $1 : $0 }
    case .fmod, .mod: return p.map(x, y) { $0.truncatingRemainder(dividingBy: $1) }
    case .pow: return p.map(x, y) { $1 == 2 ? $0 * $0 : Float(Foundation.pow(Double($0), Double($1))) }
    default: throw OperatorError("numeric-type", "\(rawValue) is not defined on floats")
    }
  }

  private func doubles(_ x: [Double], _ y: [Double], _ p: BroadcastOperands) throws(OperatorError) -> [Double] {
    switch self {
    case .add: return p.map(x, y) { $0 + $1 }
    case .sub: return p.map(x, y) { $0 - $1 }
    case .mul: return p.map(x, y) { $0 * $1 }
    case .div: return p.map(x, y) { $0 / $1 }
    case .prelu: return p.map(x, y) { $0 < 0 ? $0 * $1 : $0 }
    case .fmod, .mod: return p.map(x, y) { $0.truncatingRemainder(dividingBy: $1) }
    case .pow: return p.map(x, y) { Foundation.pow($0, $1) }
    default: throw OperatorError("numeric-type", "\(rawValue) is not defined on floats")
    }
  }

  /// Machine arithmetic on 64-bit values; the caller wraps to the width. Division by zero gives zero.
  private func integers(_ x: [Int64], _ y: [Int64], _ p: BroadcastOperands) throws(OperatorError) -> [Int64] {
    let wide = p.a.element == .uint64
    let bits = Int64(p.a.element.bits)
    switch self {
    case .add: return p.map(x, y) { $0 &+ $1 }
    case .sub: return p.map(x, y) { $0 &- $1 }
    case .mul: return p.map(x, y) { $0 &* $1 }
    case .div:
      if wide {
        return p.map(x, y) { $1 == 0 ? 0 : Int64(bitPattern: UInt64(bitPattern: $0) / UInt64(bitPattern: $1)) }
      }
      return p.map(x, y) { $1 == 0 ? 0 : $0.dividedReportingOverflow(by: $1).partialValue }
    case .mod:
      if wide {
        return p.map(x, y) { $1 == 0 ? 0 : Int64(bitPattern: UInt64(bitPattern: $0) % UInt64(bitPattern: $1)) }
      }
      return p.map(x, y) { a, b in
        if b == 0 { return 0 }
        let r = a.remainderReportingOverflow(dividingBy: b).partialValue
        return r != 0 && (r < 0) != (b < 0) ? r + b : r
      }
    case .fmod: return p.map(x, y) { $1 == 0 ? 0 : $0.remainderReportingOverflow(dividingBy: $1).partialValue }
    case .prelu: return p.map(x, y) { $0 < 0 ? $0 &* $1 : $0 }
    case .pow: return p.map(x, y) { Self.power($0, $1) }
    case .bitwiseAnd: return p.map(x, y) { $0 & $1 }
    case .bitwiseOr: return p.map(x, y) { $0 | $1 }
    case .bitwiseXor: return p.map(x, y) { $0 ^ $1 }
    case .shiftLeft: return p.map(x, y) { $1 >= bits || $1 < 0 ? 0 : $0 << $1 }
    case .shiftRight:
      return p.map(x, y) { $1 >= bits || $1 < 0 ? 0 : Int64(bitPattern: UInt64(bitPattern: $0) >> UInt64($1)) }
    default: throw OperatorError("numeric-type", "\(rawValue) is not defined on integers")
    }
  }

  private func predicate(_ p: BroadcastOperands) throws(OperatorError) -> [Bool] {
    switch (p.a.elements, p.b.elements) {
    case (.float32(let x), .float32(let y)): return try compare(x, y, p)
    case (.string(let x), .string(let y)): return try compare(x, y, p)
    case (.bool(let x), .bool(let y)):
      switch self {
      case .and: return p.map(x, y) { $0 && $1 }
      case .or: return p.map(x, y) { $0 || $1 }
      case .xor: return p.map(x, y) { $0 != $1 }
      case .equal: return p.map(x, y) { $0 == $1 }
      default: throw OperatorError("numeric-type", "\(rawValue) is not defined on truth values")
      }
    default: break
    }
    if p.a.element == .uint64 {
      return try compare(
        try p.a.integers().map { UInt64(bitPattern: $0) }, try p.b.integers().map { UInt64(bitPattern: $0) }, p)
    }
    if p.a.element.isInteger { return try compare(try p.a.integers(), try p.b.integers(), p) }
    return try compare(try p.a.doubles(), try p.b.doubles(), p)
  }

  private func compare<T: Comparable>(_ x: [T], _ y: [T], _ p: BroadcastOperands) throws(OperatorError) -> [Bool] {
    switch self {
    case .equal: return p.map(x, y) { $0 == $1 }
    case .less: return p.map(x, y) { $0 < $1 }
    case .greater: return p.map(x, y) { $0 > $1 }
    case .lessOrEqual: return p.map(x, y) { $0 <= $1 }
    case .greaterOrEqual: return p.map(x, y) { $0 >= $1 }
    default: throw OperatorError("truth-values-expected", "\(rawValue) is defined on truth values only")
    }
  }

  /// Integer power, wrapping; a negative exponent truncates the quotient towards zero.
  private static func power(_ base: Int64, _ exponent: Int64) -> Int64 {
    if exponent < 0 { return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0 }
    var (result, factor, left) = (Int64(1), base, exponent)
    while left > 0 {
      if left & 1 == 1 { result = result &* factor }
      factor = factor &* factor
      left >>= 1
    }
    return result
  }
}

/// Two tensors and the shape they are broadcast to.
private struct BroadcastOperands {
  let a: Tensor
  let b: Tensor
  let shape: [Int]

  @inline(__always)
  func map<A, B, R>(_ x: [A], _ y: [B], _ function: (A, B) -> R) -> [R] {
    BroadcastPlan.map(x, a.shape, y, b.shape, to: shape, function)
  }
}

extension Broadcast {
  /// The common shape of tensors at hand.
  package static func numbers(_ shapes: [[Int]]) throws(OperatorError) -> [Int] {
    try shape(shapes.map { $0.map(Dimension.constant) }).compactMap(\.constant)
  }
}

extension Tensor {
  /// As `rounding`, but integers are truncated towards zero, as a cast from floats does.
  package init(_ element: ElementType, _ shape: [Int], truncating values: [Double]) {
    if element.isInteger {
      self.init(element, shape, wrapping: values.map(\.clampedInt64))
    } else {
      self.init(element, shape, rounding: values)
    }
  }
}
