package import IR

/// Inserts axes of extent 1 at the positions of the *result* that the second input lists.
package struct Unsqueeze: ONNXOperator {
  package static let name = "unsqueeze"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    guard let count = context.knownIntegers(1)?.count, case .tensor(let x)? = context.type(0),
      let axes = try context.axes(1, rank: x.rank + count)
    else { return [.unranked(element)] }
    var extents = x.shape.makeIterator()
    let inserted = Set(axes)
    let shape = (0..<x.rank + count).map { inserted.contains($0) ? 1 : extents.next() ?? 1 }
    return [.tensor(TensorType(element, shape))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [context.known(0)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .view, inputs: [try operands.input(0)], outputs: try operands.allOutputs()))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.viewTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.tensor(try inputs.tensor(0).reshaped(try shapes(inputs)[0]))]
  }

  package static var onnxNames: [ONNXName] { ["Unsqueeze"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Unsqueeze {
    if let axes = try node.integers("axes") { node.setInput(1, integers: axes) }
    return Unsqueeze()
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Unsqueeze") }
}
