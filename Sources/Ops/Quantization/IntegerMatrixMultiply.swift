package import IR

/// Product of 8-bit integer matrices into 32-bit sums.
///
/// Inputs: a [batch…, m, k], b [batch…, k, n], optional zero points of a (one or per row) and b (one or per column).
/// Output: int32 [batch…, m, n].
package struct IntegerMatrixMultiply: ONNXOperator {
  package static let name = "matmul-integer"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let product = try MatrixProduct(try context.tensor(0).shape, try context.tensor(1).shape)
    return [.tensor(TensorType(.int32, product.output))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .contraction(try operands.matrixProduct())
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    let b = try inputs.tensor(1)
    let y = try context.integerProduct(
      a, zeroA: try inputs.optionalTensor(2), b, zeroB: try inputs.optionalTensor(3))
    return [.tensor(Tensor(.int32, y.shape, .int32(y.elements)))]
  }

  package static var onnxNames: [ONNXName] { ["MatMulInteger"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> IntegerMatrixMultiply { IntegerMatrixMultiply() }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("MatMulInteger") }
}

/// Which line of a matrix a vector of parameters belongs to.
enum MatrixLines { case rows, columns }

extension Tensor {
  /// Elements less a zero point, which is one number, one per line of the matrix, or shaped [batch…, m, 1] / [batch…, 1, n].
  func centred(_ zero: Tensor?, along lines: MatrixLines) throws(OperatorError) -> [Int64] {
    var values = try integers()
    guard let zero else { return values }
    let zeros = try zero.integers()
    try forEachParameter(zero, lines) { values[$0] -= zeros[$1] }
    return values
  }

  /// The same as floats, in which differences of 8-bit numbers are exact.
  func centredFloats(_ zero: Tensor?, along lines: MatrixLines) throws(OperatorError) -> [Float] {
    guard let zero else { return try floats() }
    guard zero.count == 1, let shift = try zero.floats().first else {
      return try centred(zero, along: lines).map(Float.init)
    }
    return shift == 0 ? try floats() : try floats().map { $0 - shift }
  }

  /// Elements times a scale with the same shapes.
  func scaled(_ values: [Double], by scale: Tensor, along lines: MatrixLines) throws(OperatorError) -> [Double] {
    var result = values
    let scales = try scale.doubles()
    if scales.count == 1 { return values.map { $0 * scales[0] } }
    try forEachParameter(scale, lines) { result[$0] *= scales[$1] }
    return result
  }

  private func forEachParameter(_ parameter: Tensor, _ lines: MatrixLines, _ body: (Int, Int) -> Void) throws(OperatorError) {
    var target = parameter.shape
    if parameter.count == 1 {
      target = []
    } else if parameter.rank == 1, lines == .rows {
      target = parameter.shape + [1]
    }
    guard try Broadcast.shape([shape.map(Dimension.constant), target.map(Dimension.constant)]) == shape.map(Dimension.constant) else {
      throw OperatorError("scale-shape", "parameters of shape \(parameter.shape) do not fit \(shape)")
    }
    Broadcast.forEachPair(shape, shape, target) { position, _, offset in body(position, offset) }
  }
}
