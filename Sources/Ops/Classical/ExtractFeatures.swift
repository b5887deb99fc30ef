package import IR

/// Columns of the last axis. Inputs: x […, n], int64 columns [k]. Output: […, k].
package struct ExtractFeatures: ONNXOperator {
  package static let name = "extract-features"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let columns = try context.tensor(1).shape.reduce(1) { $0 * $1 }
    // A vector comes back as a row.
    return [.tensor(TensorType(x.element, x.rank > 1 ? Array(x.shape.dropLast()) + [columns] : [1, columns]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation { try operands.movement(.gather) }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let columns = try inputs.tensor(1).integers()
    let picked = try Gather(axis: x.rank - 1).evaluate(
      [.tensor(x), .tensor(Tensor([columns.count], integers: columns))], EvaluationContext()
    ).map { $0 }.tensor(0)
    return [.tensor(x.rank > 1 ? picked : picked.reshaped([1, columns.count]))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "ai.onnx.ml", "ArrayFeatureExtractor")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ExtractFeatures { ExtractFeatures() }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(domain: "ai.onnx.ml", "ArrayFeatureExtractor")) }
}
