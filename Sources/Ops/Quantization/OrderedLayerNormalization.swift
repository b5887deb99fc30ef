package import IR

/// Layer normalisation of int8 numbers by scales alone: y = saturate(round(layernorm(x·sx)/sy)) (com.microsoft
/// QOrderedLayerNormalization).
///
/// Inputs: x […, c] row by row, its scale, factor [c], optional bias [c], scale of the result. Output: like x.
package struct OrderedLayerNormalization: ONNXOperator {
  package static let name = "layer-normalization-ordered"

  package var axis: Int
  package var epsilon: Float

  package init(axis: Int = -1, epsilon: Float = 1e-5) {
    self.axis = axis
    self.epsilon = epsilon
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    _ = try resolveAxis(axis, rank: x.rank)
    return [.tensor(TensorType(.int8, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let columns = shape[try resolveAxis(axis, rank: shape.count)...].reduce(1, *)
    return try operands.normalization(rows: shape.reduce(1, *) / max(1, columns), columns: columns, simple: 12, special: 0)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard let stored = try inputs.tensor(1).floats().first, let scale = try inputs.tensor(4).floats().first else {
      throw OperatorError("scale-shape", "a scale is empty")
    }
    let real = Tensor(x.shape, floats: try ScalePair(scale: stored, zero: 0).dequantized(x))
    func float(_ tensor: Tensor?) throws(OperatorError) -> Datum? {
      guard let tensor else { return nil }
      return .tensor(Tensor(tensor.shape, floats: try tensor.floats()))
    }
    let operands: [Datum?] = [.tensor(real), try float(try inputs.tensor(2)), try float(try inputs.optionalTensor(3))]
    let y = try LayerNormalization(axis: axis, epsilon: epsilon).evaluate(operands, EvaluationContext(outputCount: 1)).map { $0 }.tensor(0)
    return [.tensor(ScalePair(scale: scale, zero: 0).quantized(try y.floats(), .int8, x.shape))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QOrderedLayerNormalization")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OrderedLayerNormalization {
    try node.checkOrder("order_X", .rows)
    try node.checkOrder("order_Y", .rows)
    return OrderedLayerNormalization(axis: try node.integer("axis") ?? -1, epsilon: try node.float("epsilon") ?? 1e-5)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "QOrderedLayerNormalization"),
      [
        ("axis", .integer(axis)), ("epsilon", .float(epsilon)), ("order_X", .integer(MatrixOrder.rows.rawValue)),
        ("order_Y", .integer(MatrixOrder.rows.rawValue)),
      ])
  }
}
