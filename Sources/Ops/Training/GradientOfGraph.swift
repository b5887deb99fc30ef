package import IR

/// Derivatives of a value of the graph with respect to others. Inputs: the values x, then values held fixed. Outputs: like x.
///
/// Types are inferred; evaluation is refused, because a node cannot see the graph it stands in.
package struct GradientOfGraph: ONNXOperator {
  package static let name = "gradient"

  /// Names of the values differentiated by, of those held fixed, and of the value differentiated.
  package var variables: [String]
  package var fixed: [String]
  package var target: String

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard context.inputs.count == variables.count + fixed.count else {
      throw OperatorError("input-count", "\(context.inputs.count) inputs for \(variables.count) variables")
    }
    var types: [ValueType] = []
    for index in variables.indices { types.append(.tensor(try context.tensor(index))) }
    return types
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .opaque(Opaque(label: "gradient", inputs: try operands.presentInputs(), outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    throw OperatorError("no-differentiation", "derivatives of the graph are not computed: the product evaluates inference only")
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "ai.onnx.preview.training", "Gradient")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> GradientOfGraph {
    GradientOfGraph(
      variables: try node.strings("xs") ?? [], fixed: try node.strings("zs") ?? [], target: try node.string("y") ?? "")
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [("xs", .strings(variables)), ("y", .string(target))]
    if !fixed.isEmpty { attributes.append(("zs", .strings(fixed))) }
    return ONNXSpelling(ONNXName(domain: "ai.onnx.preview.training", "Gradient"), attributes)
  }
}
