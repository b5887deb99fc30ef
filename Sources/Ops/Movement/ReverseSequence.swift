package import IR

/// The first `lengths[b]` steps of every sequence b of a batch in reverse order; later steps stay.
///
/// Inputs: x, lengths [batch].
package struct ReverseSequence: ONNXOperator {
  package static let name = "reverse-sequence"

  package var batchAxis: Int
  package var timeAxis: Int

  package init(batchAxis: Int = 1, timeAxis: Int = 0) {
    self.batchAxis = batchAxis
    self.timeAxis = timeAxis
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard try resolveAxis(batchAxis, rank: x.rank) != resolveAxis(timeAxis, rank: x.rank) else {
      throw OperatorError("axes-distinct", "batch and time are one axis")
    }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.gather)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let lengths = try inputs.integers(1)
    _ = try shapes(inputs)
    let (batch, time) = (try resolveAxis(batchAxis, rank: x.rank), try resolveAxis(timeAxis, rank: x.rank))
    guard lengths.count == x.shape[batch], lengths.allSatisfy({ $0 >= 0 && $0 <= x.shape[time] }) else {
      throw OperatorError(
        "lengths-fit", "the lengths do not fit a batch of \(x.shape[batch]) and \(x.shape[time]) steps")
    }
    let strides = x.shape.rowMajorStrides
    let indices = (0..<x.count).map { index in
      let step = index / strides[time] % x.shape[time]
      let length = lengths[index / strides[batch] % x.shape[batch]]
      return step < length ? index + (length - 1 - 2 * step) * strides[time] : index
    }
    return [.tensor(x.rearranged(x.shape, Selection(indices)))]
  }

  package static var onnxNames: [ONNXName] { ["ReverseSequence"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ReverseSequence {
    ReverseSequence(batchAxis: try node.integer("batch_axis") ?? 1, timeAxis: try node.integer("time_axis") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("ReverseSequence", [("batch_axis", .integer(batchAxis)), ("time_axis", .integer(timeAxis))])
  }
}
