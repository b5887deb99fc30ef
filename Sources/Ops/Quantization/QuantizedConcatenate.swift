package import IR

/// Joins stored integers of different scales into one tensor of one scale.
///
/// Inputs: scale and zero point of the result, then tensor, scale and zero point of every part. Output: joined along `axis`.
package struct QuantizedConcatenate: ONNXOperator {
  package static let name = "concatenate-quantized"

  package var axis: Int

  package init(axis: Int) { self.axis = axis }

  private func parts(_ inputs: Int) throws(OperatorError) -> [Int] {
    guard inputs >= 5, (inputs - 2) % 3 == 0 else {
      throw OperatorError("input-count", "\(inputs) inputs do not make whole sets of tensor, scale and zero point")
    }
    return Array(stride(from: 2, to: inputs, by: 3))
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var plain = context
    var types: [ValueType?] = []
    for part in try parts(context.inputs.count) { types.append(.tensor(try context.tensor(part))) }
    plain.inputs = types
    plain.contents = []
    return try Concatenate(axis: axis).inferTypes(plain)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("requantize", simple: 5)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let output = try ScalePair(inputs, 0)
    var element = ElementType.uint8
    var requantized: [Datum?] = []
    for part in try parts(inputs.count) {
      let x = try inputs.tensor(part)
      element = x.element
      requantized.append(.tensor(output.quantized(try ScalePair(inputs, part + 1).dequantized(x), element, x.shape)))
    }
    return try Concatenate(axis: axis).evaluate(requantized, EvaluationContext())
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QLinearConcat")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedConcatenate {
    guard let axis = try node.integer("axis") else { throw OperatorError("missing-attribute", "QLinearConcat needs the attribute 'axis'") }
    return QuantizedConcatenate(axis: axis)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", "QLinearConcat"), [("axis", .integer(axis))])
  }
}
