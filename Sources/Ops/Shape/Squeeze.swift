package import IR

/// Drops axes of extent 1: those the second input lists, or all.
package struct Squeeze: ONNXOperator {
  package static let name = "squeeze"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if case .unranked? = context.type(0) { return [.unranked(try context.element(0))] }
    let x = try context.tensor(0)
    var dropped = Set(x.shape.indices.filter { x.shape[$0] == 1 })
    if context.hasInput(1) {
      guard let axes = try context.axes(1, rank: x.rank) else { return [.unranked(x.element)] }
      for axis in axes {
        if let extent = x.shape[axis].constant, extent != 1 {
          throw OperatorError("squeeze-extent", "axis \(axis) of \(x.shape.text) is not 1")
        }
      }
      dropped = Set(axes)
    }
    return [.tensor(TensorType(x.element, x.shape.indices.filter { !dropped.contains($0) }.map { x.shape[$0] }))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [context.known(0)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .view, inputs: [try operands.input(0)], outputs: try operands.allOutputs()))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.viewTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.tensor(try inputs.tensor(0).reshaped(try shapes(inputs)[0]))]
  }

  package static var onnxNames: [ONNXName] { ["Squeeze"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Squeeze {
    if let axes = try node.integers("axes") { node.setInput(1, integers: axes) }
    return Squeeze()
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Squeeze") }
}
