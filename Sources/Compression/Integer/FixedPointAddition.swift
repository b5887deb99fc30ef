internal import IR
internal import Ops

/// a + b of different scales in fixed point: both are shifted left by 20 bits and brought to twice the larger scale.
///
/// sum = m_a·((a − z_a) ≪ 20) + m_b·((b − z_b) ≪ 20) with m = s/(2·max(s_a, s_b)); its scale is 2·max(s_a, s_b)/2²⁰.
/// The form integer inference libraries use (Jacob et al., CVPR 2018, appendix A.2).
struct FixedPointAddition {
  private static let headroom: Int64 = 20
  private let a: IntegerValue.Codes
  private let b: IntegerValue.Codes

  /// Nil unless both tensors have one scale and the same shape.
  init?(_ a: IntegerValue.Codes, _ b: IntegerValue.Codes) {
    guard a.scales.count == 1, b.scales.count == 1, a.tensor.shape == b.tensor.shape, a.tensor.element.bits <= 8, b.tensor.element.bits <= 8
    else { return nil }
    (self.a, self.b) = (a, b)
  }

  func sums(_ arithmetic: IntegerArithmetic) -> IntegerValue.Sums {
    let twice = 2 * Double(max(a.scales[0], b.scales[0]))
    func rescaled(_ codes: IntegerValue.Codes) -> [Int64] {
      let factor = Requantizer(factor: Double(codes.scales[0]) / twice, arithmetic)
      return ((try? codes.centred()) ?? []).map { factor.apply($0 << Self.headroom) }
    }
    let values = zip(rescaled(a), rescaled(b)).map { $0 + $1 }
    let scale = Float(twice / Double(Int64(1) << Self.headroom))
    return IntegerValue.Sums(shape: a.tensor.shape, values: values, scales: [scale], inner: 1)
  }
}
