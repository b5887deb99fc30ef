package import IR

/// y = ¬x on truth values, or every bit of an integer inverted.
package struct LogicalNot: ONNXOperator {
  package static let name = "not"

  /// Inverts the bits of integers instead of a truth value.
  package var isBitwise: Bool

  package init(isBitwise: Bool = false) { self.isBitwise = isBitwise }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    guard isBitwise ? element.isInteger : element == .bool else {
      throw OperatorError("truth-values-expected", "'not' of \(element.rawValue)")
    }
    return [try context.sameShape(element)]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard !isBitwise, let known = context.knownIntegers(0) else { return [] }
    return [known.map { .constant($0 == 0 ? 1 : 0) }]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("not", simple: 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    if case .bool(let values) = x.elements { return [.tensor(Tensor(.bool, x.shape, .bool(values.map { !$0 })))] }
    return [.tensor(Tensor(x.element, x.shape, wrapping: try x.integers().map { ~$0 }))]
  }

  package static var onnxNames: [ONNXName] { ["Not", "BitwiseNot"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> LogicalNot {
    LogicalNot(isBitwise: node.name.type == "BitwiseNot")
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(isBitwise ? "BitwiseNot" : "Not") }
}
