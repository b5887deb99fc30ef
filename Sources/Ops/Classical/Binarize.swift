package import IR

/// 1 where an element exceeds the threshold, else 0. Input and output: one shape and type.
package struct Binarize: ONNXOperator {
  package static let name = "binarize"

  package var threshold: Float

  package init(threshold: Float = 0) { self.threshold = threshold }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sameShape(try context.element(0))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("binarize", simple: 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    return [.tensor(Tensor(x.element, x.shape, rounding: try x.doubles().map { $0 > Double(threshold) ? 1 : 0 }))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "ai.onnx.ml", "Binarizer")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Binarize {
    Binarize(threshold: try node.float("threshold") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "ai.onnx.ml", "Binarizer"), [("threshold", .float(threshold))])
  }
}
