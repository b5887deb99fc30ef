package import IR

/// A matrix of the same elements: axes before `axis` become rows, the rest columns.
package struct Flatten: ONNXOperator {
  package static let name = "flatten"

  package var axis: Int

  package init(axis: Int = 1) { self.axis = axis }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if case .unranked(let element)? = context.type(0) {
      return [.tensor(TensorType(element, [context.freshDimension("rows"), context.freshDimension("columns")]))]
    }
    let x = try context.tensor(0)
    guard axis >= -x.rank, axis <= x.rank else {
      throw OperatorError("axis-range", "axis \(axis) does not exist in a tensor of rank \(x.rank)")
    }
    let split = axis < 0 ? axis + x.rank : axis
    return [.tensor(TensorType(x.element, [x.shape[..<split].reduce(1, *), x.shape[split...].reduce(1, *)]))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [context.known(0)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.view)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.viewTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.tensor(try inputs.tensor(0).reshaped(try shapes(inputs)[0]))]
  }

  package static var onnxNames: [ONNXName] { ["Flatten"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Flatten {
    Flatten(axis: try node.integer("axis") ?? 1)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Flatten", [("axis", .integer(axis))]) }
}
