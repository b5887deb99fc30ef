package import IR

/// Several nodes that a machine runs as one kernel: the body is region 0, whose inputs are the node's inputs in order.
package struct FusedGroup: Operator {
  package static let name = "fused"

  /// The fusion rule that made the group.
  package var rule: String

  package init(rule: String) { self.rule = rule }

  package var fusionRule: String? { rule }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard let body = context.regionOutputs.first else { throw OperatorError("body-present", "a fused group needs a body") }
    return body
  }

  /// Lowering opens the body and asks its nodes.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    throw OperatorError("fused-opened", "a fused group is lowered through its body")
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    guard let run = context.runRegion else { throw OperatorError("body-present", "no evaluator for the body") }
    return try run(0, inputs)
  }
}
