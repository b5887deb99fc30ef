package import IR

/// Product of 8-bit matrices, requantised: y = saturate(round(Σ (a − za)(b − zb)·sa·sb/sy) + zy).
///
/// Inputs: a, its scale and zero point (one or per row), b, its scale and zero point (one or per column), scale and zero
/// point of the result. Output: [batch…, m, n] in the type of the last zero point.
package struct QuantizedMatrixMultiply: ONNXOperator {
  package static let name = "matmul-quantized"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let product = try MatrixProduct(try context.tensor(0).shape, try context.tensor(3).shape)
    return [.tensor(TensorType(try context.tensor(7).element, product.output))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .contraction(try operands.matrixProduct(0, 3))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    let b = try inputs.tensor(3)
    let sums = try context.integerProduct(
      a, zeroA: try inputs.optionalTensor(2), b, zeroB: try inputs.optionalTensor(5))
    let plain = Tensor(.float64, sums.shape, .float64(sums.elements.map(Double.init)))
    var y = try plain.doubles()
    y = try plain.scaled(y, by: try inputs.tensor(1), along: .rows)
    y = try plain.scaled(y, by: try inputs.tensor(4), along: .columns)
    let output = try ScalePair(inputs, 6)
    return [.tensor(output.quantized(y.map(Float.init), try inputs.tensor(7).element, sums.shape))]
  }

  package static var onnxNames: [ONNXName] { ["QLinearMatMul"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedMatrixMultiply {
    QuantizedMatrixMultiply()
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("QLinearMatMul") }
}
