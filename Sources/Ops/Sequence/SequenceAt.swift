package import IR

/// The element of a sequence at a position.
package struct SequenceAt: ONNXOperator {
  package static let name = "sequence-at"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sequence(0)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let elements = try inputs.sequence(0)
    return [elements[try sequencePosition(try inputs.tensor(1), count: elements.count, inserting: false)]]
  }

  package static var onnxNames: [ONNXName] { ["SequenceAt"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SequenceAt { SequenceAt() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("SequenceAt") }
}

/// The number of elements of a sequence as an int64 scalar.
package struct SequenceLength: ONNXOperator {
  package static let name = "sequence-length"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    _ = try context.sequence(0)
    return [.tensor(TensorType(.int64, [Int]()))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.tensor(Tensor([], integers: [Int64(try inputs.sequence(0).count)]))]
  }

  package static var onnxNames: [ONNXName] { ["SequenceLength"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SequenceLength { SequenceLength() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("SequenceLength") }
}
