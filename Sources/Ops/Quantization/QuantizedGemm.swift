package import IR

/// y = alpha·op(a)·op(b)·sa·sb + c on stored integers, requantised when an output scale is given (QGemm).
///
/// Inputs: a, its scale and zero point, b, its scales and zero points (one or per column), optional int32 c, optional
/// scale and zero point of the result. Output: [m, n], stored integers or real numbers.
package struct QuantizedGemm: ONNXOperator {
  package static let name = "gemm-quantized"

  package var alpha: Float
  package var transposesA: Bool
  package var transposesB: Bool

  private var plain: Gemm { Gemm(transposesA: transposesA, transposesB: transposesB) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var inner = context
    inner.inputs = [.tensor(try context.tensor(0)), .tensor(try context.tensor(3))]
    let scale = try context.tensor(1).element
    let element = try context.optionalTensor(8)?.element ?? scale
    return try plain.inferTypes(inner).compactMap(\.tensor).map { .tensor(TensorType(element, $0.shape)) }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let hasBias = operands.inputs.count > 6 && operands.inputs[6] != nil
    return try plain.computation(operands.selecting([0, 3] + (hasBias ? [6] : [])))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    let b = try inputs.tensor(3)
    let sums = try context.integerProduct(
      a, zeroA: try inputs.optionalTensor(2), b, zeroB: try inputs.optionalTensor(5), transposesA: transposesA,
      transposesB: transposesB)
    let shifted = try sums.elements.map(Double.init).shifted(by: try inputs.optionalTensor(6), shape: sums.shape)
    let product = Tensor(.float64, sums.shape, .float64(shifted.map { $0 * Double(alpha) }))
    var y = try product.scaled(try product.doubles(), by: try inputs.tensor(1), along: .rows)
    y = try product.scaled(y, by: try inputs.tensor(4), along: .columns)
    guard let zero = try inputs.optionalTensor(8) else { return [.tensor(Tensor(try inputs.tensor(1).element, sums.shape, rounding: y))] }
    return [.tensor(try ScalePair(inputs, 7).quantized(y.map(Float.init), zero.element, sums.shape))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QGemm")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedGemm {
    QuantizedGemm(
      alpha: try node.float("alpha") ?? 1, transposesA: try node.integer("transA") ?? 0 != 0,
      transposesB: try node.integer("transB") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "QGemm"),
      [("alpha", .float(alpha)), ("transA", .integer(transposesA ? 1 : 0)), ("transB", .integer(transposesB ? 1 : 0))])
  }
}
