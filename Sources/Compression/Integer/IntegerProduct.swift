internal import IR
internal import Numerics
internal import Ops

/// A contraction of two stored integer tensors.
///
/// 8-bit convolutions and matrix products run as the integer operators do. Others are exact through single-precision loops:
/// activations are cut into pieces of 4 bits, so that every partial sum stays below 2²⁴ and no addition rounds; the pieces'
/// sums are put together as 64-bit integers.
struct IntegerProduct {
  private let node: Node
  private let operation: any WeightedOperator
  private let x: IntegerValue.Codes
  private let w: IntegerValue.Codes
  /// Integer bias in the scale of the sums.
  private let bias: IntegerValue.Codes?
  private let layout: WeightLayout

  /// Nil when an operand is a real number, or scales do not factor out of the sum.
  init?(_ node: Node, _ operation: any WeightedOperator, _ operands: [IntegerValue?]) throws(OperatorError) {
    guard operands.count >= 2, case .codes(let x)? = operands[0], case .codes(let w)? = operands[1], x.scales.count == 1 else { return nil }
    layout = operation.weightLayout(rank: w.tensor.rank)
    guard w.scales.count == 1 || w.axis == layout.outputAxis || w.axis == layout.outputAxis - w.tensor.rank else { return nil }
    if let slot = layout.biasInput, slot < operands.count, let operand = operands[slot] {
      guard case .codes(let codes) = operand, codes.tensor.element == .int32 else { return nil }
      bias = codes
    } else {
      bias = nil
    }
    guard layout.groups == 1 || w.scales.count == 1 || layout.outputAxis == 0 else { return nil }
    (self.node, self.operation, self.x, self.w) = (node, operation, x, w)
  }

  /// The sums, and how many of them the accumulator could not hold.
  func sums(_ arithmetic: IntegerArithmetic) throws(OperatorError) -> (IntegerValue.Sums, overflows: Int) {
    let factor = (operation as? Gemm)?.alpha ?? 1
    let (shape, products) = try exactProducts()
    let isLast = layout.channelAxisOfInput < 0
    let inner = isLast ? 1 : shape.dropFirst(2).reduce(1, *)
    let channels = shape.indices.contains(isLast ? shape.count - 1 : 1) ? shape[isLast ? shape.count - 1 : 1] : 1
    var values = products
    if let offsets = try bias?.tensor.integers(), !offsets.isEmpty {
      for index in values.indices { values[index] += offsets[offsets.count == 1 ? 0 : index / inner % channels] }
    }
    let overflows = Self.fit(&values, arithmetic)
    let scales = w.scales.map { $0 * x.scales[0] * factor }
    return (IntegerValue.Sums(shape: shape, values: values, scales: scales, inner: inner), overflows)
  }

  /// Codes of 8 bits whose sums fit 32, by the operators for integers; nil for anything else.
  private func integerOperator() throws(OperatorError) -> (shape: [Int], values: [Int64])? {
    let depth = layout.reductionAxes.reduce(1) { $0 * (w.tensor.shape.indices.contains($1) ? w.tensor.shape[$1] : 1) }
    guard x.tensor.element.bits <= 8, w.tensor.element.bits <= 8, depth < 1 << 15, x.zeros.count == 1 else { return nil }
    let isPlain = w.zeros.allSatisfy { $0 == 0 }
    let own: any Operator
    if let convolution = operation as? Convolve {
      own = IntegerConvolve(convolution)
    } else if operation is MatrixMultiply, isPlain {
      own = IntegerMatrixMultiply()
    } else {
      return nil
    }
    var context = EvaluationContext()
    context.kernels = FastKernels()
    func zero(_ codes: IntegerValue.Codes, _ values: [Int64]) -> Datum {
      .tensor(Tensor(codes.tensor.element, values.count == 1 ? [] : [values.count], saturating: values))
    }
    let zeros = [zero(x, x.zeros), zero(w, isPlain ? [0] : w.zeros)]
    let results = try own.evaluate([.tensor(x.tensor), .tensor(w.tensor)] + zeros, context)
    guard case .tensor(let y)? = results.first, case .int32(let values) = y.elements else { return nil }
    return (y.shape, values.map(Int64.init))
  }

  private func exactProducts() throws(OperatorError) -> (shape: [Int], values: [Int64]) {
    if let found = try integerOperator() { return found }
    let (a, b) = (try x.centred(), try w.centred())
    let largest = b.reduce(Int64(0)) { max($0, $1.magnitude < UInt64(Int64.max) ? abs($1) : .max) }
    let depth = layout.reductionAxes.reduce(1) { $0 * (w.tensor.shape.indices.contains($1) ? w.tensor.shape[$1] : 1) }
    guard Double(largest) * 15 * Double(depth) < 16_777_216, a.allSatisfy({ abs($0) < 1 << 20 }) else {
      let y = try product(a.map(Double.init), b.map(Double.init), isExactInSingle: false)
      return (y.shape, try y.doubles().map(\.clampedInt64))
    }
    let magnitude = a.reduce(Int64(0)) { max($0, abs($1)) }
    let weights = b.map(Double.init)
    var shape: [Int] = []
    var total: [Int64] = []
    var bits: Int64 = 0
    repeat {
      // Pieces keep the sign, so that they add up without a correction.
      let piece = a.map { code in Double((abs(code) >> bits & 15) * (code < 0 ? -1 : 1)) }
      let y = try product(piece, weights, isExactInSingle: true)
      let part = try y.floats()
      if total.isEmpty {
        shape = y.shape
        total = [Int64](repeating: 0, count: part.count)
      }
      for index in part.indices { total[index] += Int64(part[index]) << bits }
      bits += 4
    } while magnitude >> bits > 0
    return (shape, total)
  }

  /// The operator itself on integer-valued numbers, without bias and factors.
  private func product(_ a: [Double], _ b: [Double], isExactInSingle: Bool) throws(OperatorError) -> Tensor {
    let plain: any Operator = (operation as? Gemm).map { Gemm(transposesA: $0.transposesA, transposesB: $0.transposesB) } ?? operation
    var context = EvaluationContext()
    context.kernels = isExactInSingle ? FastKernels() : nil
    func tensor(_ values: [Double], _ shape: [Int]) -> Datum {
      .tensor(isExactInSingle ? Tensor(shape, floats: values.map(Float.init)) : Tensor(.float64, shape, .float64(values)))
    }
    let results = try plain.evaluate([tensor(a, x.tensor.shape), tensor(b, w.tensor.shape)], context)
    guard case .tensor(let y)? = results.first else { throw OperatorError("output-count", "no product") }
    return y
  }

  /// Wraps or saturates sums to the accumulator.
  static func fit(_ values: inout [Int64], _ arithmetic: IntegerArithmetic) -> Int {
    guard arithmetic.accumulatorBits < 63 else { return 0 }
    let bits = Int64(arithmetic.accumulatorBits)
    let (low, high) = (-(Int64(1) << (bits - 1)), (Int64(1) << (bits - 1)) - 1)
    var count = 0
    for index in values.indices where values[index] < low || values[index] > high {
      count += 1
      switch arithmetic.overflow {
      case .saturate: values[index] = min(max(values[index], low), high)
      case .wrap: values[index] = (values[index] << (64 - bits)) >> (64 - bits)
      }
    }
    return count
  }
}
