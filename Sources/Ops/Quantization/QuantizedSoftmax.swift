package import IR

/// Softmax between stored integers. Inputs: x, its scale and zero point, scale and zero point of the result. Output: like x.
package struct QuantizedSoftmax: ONNXOperator {
  package static let name = "softmax-quantized"

  package var axis: Int
  /// Version of the plain operator it follows: before 13 all axes from `axis` on are one.
  package var opset: Int

  private var plain: Softmax { Softmax(.softmax, axis: axis, isFlattened: opset < 13) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var inner = context
    inner.inputs = [.tensor(try context.tensor(0))]
    return try plain.inferTypes(inner)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation { try plain.computation(operands) }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let real = Tensor(x.shape, floats: try ScalePair(inputs, 1).dequantized(x))
    let y = try plain.evaluate([.tensor(real)], EvaluationContext()).map { $0 }.tensor(0)
    return [.tensor(try ScalePair(inputs, 3).quantized(try y.floats(), x.element, x.shape))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QLinearSoftmax")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedSoftmax {
    let opset = try node.integer("opset") ?? 13
    return QuantizedSoftmax(axis: try node.integer("axis") ?? (opset < 13 ? 1 : -1), opset: opset)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", "QLinearSoftmax"), [("axis", .integer(axis)), ("opset", .integer(opset))])
  }
}
