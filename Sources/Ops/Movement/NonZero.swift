package import IR

/// Positions of the elements that are not zero: [rank, count], in row-major order.
package struct NonZero: ONNXOperator {
  package static let name = "non-zero"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    return [.tensor(TensorType(.int64, [.constant(x.rank), context.freshDimension("count")]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.gather)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let found = try x.doubles().enumerated().filter { $0.element != 0 }.map(\.offset)
    let strides = x.shape.rowMajorStrides
    let values = x.shape.indices.flatMap { axis in found.map { Int64($0 / strides[axis] % x.shape[axis]) } }
    return [.tensor(Tensor([x.rank, found.count], integers: values))]
  }

  package static var onnxNames: [ONNXName] { ["NonZero"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> NonZero { NonZero() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("NonZero") }
}
