internal import IR
internal import Ops

/// a + b of different scales with a float32 factor each, as integer inference on processors with float units adds stored numbers.
///
/// q = round(fma(a, s_a/s_y, fma(b, s_b/s_y, z_y − (s_a/s_y·z_a + s_b/s_y·z_b)))), ties to even, all in float32. The constant is put
/// together once, the first of its products unrounded, so that a sum near a half falls to the side it falls to in onnxruntime's `QLinearAdd`.
struct RealAddition {
  private let a: IntegerValue.Codes
  private let b: IntegerValue.Codes
  /// The sum is cut off at zero.
  let isClamped: Bool

  /// Nil unless both tensors have one scale, at most 8 bits and the same shape.
  init?(_ a: IntegerValue.Codes, _ b: IntegerValue.Codes) {
    guard a.scales.count == 1, b.scales.count == 1, a.zeros.count == 1, b.zeros.count == 1, a.tensor.shape == b.tensor.shape,
      a.tensor.element.bits <= 8, b.tensor.element.bits <= 8
    else { return nil }
    self.init(a, b, isClamped: false)
  }

  private init(_ a: IntegerValue.Codes, _ b: IntegerValue.Codes, isClamped: Bool) {
    (self.a, self.b, self.isClamped) = (a, b, isClamped)
  }

  func clamped() -> RealAddition { RealAddition(a, b, isClamped: true) }

  /// The sum as stored numbers of another scale, not yet cut to a type's range.
  func codes(scale: Float, zero: Int64) throws(OperatorError) -> [Int64] {
    let (ratioA, ratioB) = (a.scales[0] / scale, b.scales[0] / scale)
    let fixed = Float(zero) - (ratioB * Float(b.zeros[0])).addingProduct(ratioA, Float(a.zeros[0]))
    let (x, y) = (try a.tensor.integers(), try b.tensor.integers())
    return x.indices.map { index in
      let sum = fixed.addingProduct(Float(y[index]), ratioB).addingProduct(Float(x[index]), ratioA)
      let code = Double(sum.rounded(.toNearestOrEven)).clampedInt64
      return isClamped ? max(code, zero) : code
    }
  }

  /// The sum of the restored numbers.
  func restored() throws(OperatorError) -> Datum? {
    guard let x = try IntegerValue.codes(a).restored()?.tensor?.floats(), let y = try IntegerValue.codes(b).restored()?.tensor?.floats()
    else {
      return nil
    }
    return .tensor(Tensor(a.tensor.shape, floats: zip(x, y).map { isClamped ? max($0 + $1, 0) : $0 + $1 }))
  }

  var shape: [Int] { a.tensor.shape }
}
