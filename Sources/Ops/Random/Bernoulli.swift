package import IR

/// 1 with the probability the input gives, else 0.
package struct Bernoulli: ONNXOperator {
  package static let name = "bernoulli"

  /// Nil: that of the input.
  package var element: ElementType?
  package var seed: Float?

  package init(element: ElementType? = nil, seed: Float? = nil) {
    self.element = element
    self.seed = seed
  }

  package var isNondeterministic: Bool { true }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let own = try context.element(0)
    return [try context.sameShape(element ?? own)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("bernoulli", simple: 21)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    var generator = SeededGenerator(seed: seed.map { UInt64($0.bitPattern) } ?? context.seed)
    let values = try x.doubles().map { generator.uniform() < $0 ? Int64(1) : 0 }
    return [.tensor(Tensor(element ?? x.element, x.shape, wrapping: values))]
  }

  package static var onnxNames: [ONNXName] { ["Bernoulli"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Bernoulli {
    Bernoulli(element: try node.elementType("dtype"), seed: try node.float("seed"))
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = []
    if let code = element?.onnxCode { attributes.append(("dtype", .integer(code))) }
    if let seed { attributes.append(("seed", .float(seed))) }
    return ONNXSpelling("Bernoulli", attributes)
  }
}
