internal import IR
internal import Ops

/// A value during integer execution.
enum IntegerValue {
  /// Anything that is no integer form: real numbers, and stored integers before `dequantize`.
  case real(Datum)
  /// Stored integers with their meaning.
  case codes(Codes)
  /// Sums of products, not yet rounded to few bits.
  case sums(Sums)
  /// Two stored tensors to be added when the scale of the result is known.
  case addition(RealAddition)

  struct Codes {
    var tensor: Tensor
    /// One for all, or one per index of `axis`.
    var scales: [Float]
    var zeros: [Int64]
    var axis: Int
  }

  struct Sums {
    var shape: [Int]
    var values: [Int64]
    /// One for all, or one per channel; a channel is index / inner % count.
    var scales: [Float]
    var inner: Int
  }

  /// The operands of a `dequantize` as codes; nil for float formats.
  static func stored(_ operands: [IntegerValue?], axis: Int) throws(OperatorError) -> IntegerValue? {
    guard operands.count >= 2, let tensor = try operands[0]?.tensor(), tensor.element.isInteger,
      let scales = try operands[1]?.tensor().floats()
    else { return nil }
    let zeros = operands.count > 2 ? try operands[2]?.tensor().integers() : nil
    return .codes(Codes(tensor: tensor, scales: scales, zeros: zeros ?? [Int64](repeating: 0, count: scales.count), axis: axis))
  }

  func tensor() throws(OperatorError) -> Tensor {
    guard case .tensor(let tensor)? = try restored() else { throw OperatorError("tensor-expected", "a tensor is needed") }
    return tensor
  }

  /// As a real number, whatever it is stored as.
  func restored() throws(OperatorError) -> Datum? {
    switch self {
    case .real(let datum): return datum
    case .codes(let codes):
      let scale = Tensor(codes.scales.count == 1 ? [] : [codes.scales.count], floats: codes.scales)
      let zero = Tensor(codes.tensor.element, scale.shape, saturating: codes.zeros)
      return try Dequantize(axis: codes.axis).evaluate([.tensor(codes.tensor), .tensor(scale), .tensor(zero)], EvaluationContext()).first
    case .sums(let sums):
      let values = sums.values.indices.map {
        Float(sums.values[$0]) * sums.scales[sums.scales.count == 1 ? 0 : $0 / sums.inner % sums.scales.count]
      }
      return .tensor(Tensor(sums.shape, floats: values))
    case .addition(let addition): return try addition.restored()
    }
  }
}

extension IntegerValue.Codes {
  /// Codes minus zero points.
  func centred() throws(OperatorError) -> [Int64] {
    let codes = try tensor.integers()
    guard zeros.contains(where: { $0 != 0 }) else { return codes }
    if zeros.count == 1 { return codes.map { $0 - zeros[0] } }
    let position = axis < 0 ? axis + tensor.rank : axis
    let inner = tensor.shape[(position + 1)...].reduce(1, *)
    return codes.indices.map { codes[$0] - zeros[$0 / inner % zeros.count] }
  }
}
