package import IR

/// The number of elements of a tensor as an int64 scalar.
package struct SizeOf: ONNXOperator {
  package static let name = "size"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [.tensor(TensorType(.int64, [Int]()))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let x = context.type(0)?.tensor else { return [] }
    return [[x.shape.reduce(1, *)]]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .view, inputs: [], outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.tensor(Tensor([], integers: [Int64(try inputs.tensor(0).count)]))]
  }

  package static var onnxNames: [ONNXName] { ["Size"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SizeOf { SizeOf() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Size") }
}
