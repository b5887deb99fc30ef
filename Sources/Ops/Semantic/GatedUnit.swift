package import IR

/// y = act(gate)·x, the gated linear unit between two projections: SwiGLU, GeGLU, ReGLU or plain GLU by its activation.
///
/// Inputs: gate, x of one shape. Output: like x.
package struct GatedUnit: Operator {
  package static let name = "gated-unit"

  package enum Activation: String, Codable, Sendable, Hashable, CaseIterable {
    case sigmoid, silu, relu, gelu
    case geluTanh = "gelu-tanh"
  }

  package var activation: Activation

  package init(_ activation: Activation) { self.activation = activation }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard try context.element(0) == context.element(1) else {
      throw OperatorError("element-types-match", "gate and value differ in element type")
    }
    return [try context.broadcastType(try context.element(0), of: 0..<2)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let cost = activation.cost
    return try operands.pointwise("\(activation.rawValue)-gate", simple: cost.simple + 1, special: cost.special)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let gate = try activation.operation.evaluate([.tensor(try inputs.tensor(0))], context)
    return [.tensor(try BinaryElementwise.Function.mul.apply(try gate.map { $0 }.tensor(0), try inputs.tensor(1)))]
  }
}

extension GatedUnit: ONNXDecomposable {
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder("gated-unit", context)
    let gate = try body.add(activation.operation, [body.inputs[0]], "gate")
    return body.finish(try body.add(BinaryElementwise(.mul), [gate, body.inputs[1]], "gated"))
  }
}

extension GatedUnit.Activation {
  /// The activation as an operator of its own.
  package var operation: any Operator {
    switch self {
    case .sigmoid: UnaryElementwise(.sigmoid)
    case .silu: UnaryElementwise(.silu)
    case .relu: UnaryElementwise(.relu)
    case .gelu: Gelu(.erf)
    case .geluTanh: Gelu(.tanh)
    }
  }

  fileprivate var cost: ArithmeticCost {
    switch self {
    case .sigmoid: UnaryElementwise.Function.sigmoid.cost
    case .silu: UnaryElementwise.Function.silu.cost
    case .relu: UnaryElementwise.Function.relu.cost
    case .gelu: Gelu.Form.erf.cost
    case .geluTanh: Gelu.Form.tanh.cost
    }
  }
}
