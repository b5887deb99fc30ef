package import IR

/// Ones on diagonal `diagonal` (positive: above the main one) of a matrix of the input's shape, zeros elsewhere.
package struct EyeLike: ONNXOperator {
  package static let name = "eye-like"

  /// Nil: that of the input.
  package var element: ElementType?
  package var diagonal: Int

  package init(element: ElementType? = nil, diagonal: Int = 0) {
    self.element = element
    self.diagonal = diagonal
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 2 else { throw OperatorError("matrix-expected", "\(x.shape.text) is not a matrix") }
    return [.tensor(TensorType(element ?? x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .expand, inputs: [], outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard x.rank == 2 else { throw OperatorError("matrix-expected", "an identity needs a matrix") }
    var values = [Int64](repeating: 0, count: x.count)
    for row in 0..<x.shape[0] where (0..<x.shape[1]).contains(row &+ diagonal) {
      values[row * x.shape[1] + row + diagonal] = 1
    }
    return [.tensor(Tensor(element ?? x.element, x.shape, wrapping: values))]
  }

  package static var onnxNames: [ONNXName] { ["EyeLike"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> EyeLike {
    EyeLike(element: try node.elementType("dtype"), diagonal: try node.integer("k") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [("k", .integer(diagonal))]
    if let code = element?.onnxCode { attributes.append(("dtype", .integer(code))) }
    return ONNXSpelling("EyeLike", attributes)
  }
}
