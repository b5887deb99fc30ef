package import IR

/// condition ? x : y between stored integers, each with its scale and zero point (QLinearWhere).
///
/// Inputs: condition, x, its scale and zero point, y, its scale and zero point, scale and zero point of the result.
/// Output: stored integers of the broadcast shape.
package struct QuantizedWhere: ONNXOperator {
  package static let name = "where-quantized"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(1)
    guard try context.element(4) == x.element else {
      throw OperatorError("element-types-match", "the two choices must have one element type")
    }
    return [
      .tensor(
        TensorType(x.element, try Broadcast.shape([try context.tensor(0).shape, x.shape, try context.tensor(4).shape])))
    ]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("where-quantized", simple: 5)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, y) = (try inputs.tensor(1), try inputs.tensor(4))
    let output = try ScalePair(inputs, 7)
    /// Each choice is requantised first: rounding does not depend on the other.
    func choice(_ tensor: Tensor, _ index: Int) throws(OperatorError) -> Datum {
      .tensor(output.quantized(try ScalePair(inputs, index).dequantized(tensor), tensor.element, tensor.shape))
    }
    return try Where().evaluate([inputs[0], try choice(x, 2), try choice(y, 5)], context)
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QLinearWhere")] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedWhere { QuantizedWhere() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(domain: "com.microsoft", "QLinearWhere")) }
}
