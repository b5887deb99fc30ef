package import IR

/// A sequence with one tensor more, before a position (by default at the end).
package struct SequenceInsert: ONNXOperator {
  package static let name = "sequence-insert"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.sequence(0)
    guard let added = context.type(1) else { throw OperatorError("missing-input", "input 1 is missing") }
    return [.sequence(try element.joined(with: added) { context.freshDimension($0) })]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var elements = try inputs.sequence(0)
    let position = try sequencePosition(try inputs.optionalTensor(2), count: elements.count, inserting: true)
    elements.insert(.tensor(try inputs.tensor(1)), at: position)
    return [.sequence(elements)]
  }

  package static var onnxNames: [ONNXName] { ["SequenceInsert"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SequenceInsert { SequenceInsert() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("SequenceInsert") }
}

/// A sequence without the element at a position (by default the last).
package struct SequenceErase: ONNXOperator {
  package static let name = "sequence-erase"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [.sequence(try context.sequence(0))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var elements = try inputs.sequence(0)
    elements.remove(at: try sequencePosition(try inputs.optionalTensor(1), count: elements.count, inserting: false))
    return [.sequence(elements)]
  }

  package static var onnxNames: [ONNXName] { ["SequenceErase"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SequenceErase { SequenceErase() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("SequenceErase") }
}
