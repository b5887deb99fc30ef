package import IR

/// The upper or lower triangle of matrices in the last two axes; zeros elsewhere.
///
/// Inputs: x, optional scalar k: the diagonal the triangle ends at (0 the main one, positive above it).
package struct Triangle: ONNXOperator {
  package static let name = "triangle"

  package var isUpper: Bool

  package init(isUpper: Bool = true) { self.isUpper = isUpper }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 2 else { throw OperatorError("matrix-expected", "\(x.shape.text) has no matrices") }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise(isUpper ? "triu" : "tril", simple: 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let k = try inputs.optionalTensor(1)?.integers().first ?? 0
    guard x.rank >= 2 else { throw OperatorError("matrix-expected", "a triangle needs matrices") }
    let (rows, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
    let indices = (0..<x.count).map { index in
      let diagonal = Int64(index % columns - index / columns % rows)
      return (isUpper ? diagonal >= k : diagonal <= k) ? index : -1
    }
    return [
      .tensor(
        Tensor(x.element, x.shape, try x.elements.merged(Tensor.zero(x.element).elements, FilledSelection(indices))))
    ]
  }

  package static var onnxNames: [ONNXName] { ["Trilu", ONNXName(domain: "com.microsoft", "Trilu")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Triangle {
    Triangle(isUpper: try node.integer("upper") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Trilu", [("upper", .integer(isUpper ? 1 : 0))]) }
}
