package import IR

/// Inserts one axis of extent 1 before the axis that a scalar names (com.microsoft ExpandDims).
///
/// Inputs: x, axis (a scalar; negative counts from behind the last axis). Output: a view of x.
package struct InsertAxis: ONNXOperator {
  package static let name = "insert-axis"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    guard let axes = context.knownIntegers(1), case .tensor(let x)? = context.type(0) else { return [.unranked(element)] }
    var shape = x.shape
    shape.insert(1, at: try place(axes.map(Int64.init), rank: x.rank))
    return [.tensor(TensorType(element, shape))]
  }

  private func place(_ axes: [Int64], rank: Int) throws(OperatorError) -> Int {
    guard axes.count == 1, let axis = axes.first, (-Int64(rank) - 1...Int64(rank)).contains(axis) else {
      throw OperatorError("axis-range", "an axis is inserted at one place of a tensor of rank \(rank)")
    }
    return Int(axis < 0 ? axis + Int64(rank) + 1 : axis)
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [context.known(0)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .view, inputs: [try operands.input(0)], outputs: try operands.allOutputs()))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.viewTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    var shape = x.shape
    shape.insert(1, at: try place(try inputs.tensor(1).integers(), rank: x.rank))
    return [.tensor(x.reshaped(shape))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "ExpandDims")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> InsertAxis { InsertAxis() }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(domain: "com.microsoft", "ExpandDims")) }
}
