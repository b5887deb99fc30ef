package import IR

/// y = x, of whatever type.
package struct Identity: ONNXOperator {
  package static let name = "identity"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard let type = context.type(0) else { throw OperatorError("missing-input", "input 0 is missing") }
    return [type]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [context.known(0)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.view)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.sameAxisTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    guard let datum = inputs.first ?? nil else { throw OperatorError("missing-input", "input 0 is missing") }
    return [datum]
  }

  package static var onnxNames: [ONNXName] { ["Identity"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Identity { Identity() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Identity") }
}
