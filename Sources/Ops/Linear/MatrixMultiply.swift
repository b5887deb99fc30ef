package import IR

/// y = a·b, stacked as in NumPy: the last two axes multiply, the others broadcast; vectors lose their axis.
///
/// Inputs: a [batch…, m, k], b [batch…, k, n]. Output: [batch…, m, n].
package struct MatrixMultiply: ONNXOperator, WeightedOperator {
  package static let name = "matmul"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let a = try context.tensor(0)
    let product = try MatrixProduct(a.shape, try context.tensor(1).shape)
    return [.tensor(TensorType(a.element, product.output))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .contraction(try operands.matrixProduct())
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.matrixTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    let b = try inputs.tensor(1)
    if let y = try context.product(a, b) { return [.tensor(Tensor(.float32, y.shape, .float32(y.elements)))] }
    if a.element.isInteger {
      let y = try MatrixProduct.multiply((a.shape, try a.integers()), (b.shape, try b.integers()))
      return [.tensor(Tensor(a.element, y.shape, wrapping: y.elements))]
    }
    let y = try MatrixProduct.multiply((a.shape, try a.doubles()), (b.shape, try b.doubles()))
    return [.tensor(Tensor(a.element, y.shape, rounding: y.elements))]
  }

  package static var onnxNames: [ONNXName] { ["MatMul"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> MatrixMultiply { MatrixMultiply() }

  package func weightLayout(rank: Int) -> WeightLayout {
    WeightLayout(outputAxis: rank - 1, reductionAxes: [rank - 2], channelAxisOfInput: -1, biasInput: nil)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("MatMul") }
}
