package import IR

/// y = x/‖x‖ₚ along one axis, p = 1 or 2, where zeros stay zeros; or x/max(‖x‖ₚ, ε). Input and output: x, of one shape.
package struct LpNormalization: ONNXOperator {
  package static let name = "lp-normalization"

  package var axis: Int
  package var p: Int
  /// What the length is taken for at least, in frameworks' `normalize`; 0 lets a length of 0 divide.
  package var epsilon: Float?

  package init(axis: Int = -1, p: Int = 2, epsilon: Float? = nil) {
    self.axis = axis
    self.p = p
    self.epsilon = epsilon
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    _ = try resolveAxis(axis, rank: x.rank)
    guard p == 1 || p == 2 else { throw OperatorError("norm-order", "the order must be 1 or 2, not \(p)") }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let split = AxisSplit(shape, axis: try resolveAxis(axis, rank: shape.count))
    return try operands.normalization(rows: split.outer * split.inner, columns: split.extent, simple: 3)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    var x = try tensor.doubles()
    let split = AxisSplit(tensor.shape, axis: try resolveAxis(axis, rank: tensor.rank))
    split.forEachLine { start in
      var norm = 0.0
      for index in 0..<split.extent {
        let value = x[start + index * split.inner]
        norm += p == 1 ? value.magnitude : value * value
      }
      if p == 2 { norm.formSquareRoot() }
      if let epsilon { norm = max(norm, Double(epsilon)) }
      for index in 0..<split.extent where norm != 0 || epsilon != nil { x[start + index * split.inner] /= norm }
    }
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x))]
  }

  package static var onnxNames: [ONNXName] { ["LpNormalization"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> LpNormalization {
    LpNormalization(axis: try node.integer("axis") ?? -1, p: try node.integer("p") ?? 2)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("LpNormalization", [("axis", .integer(axis)), ("p", .integer(p))])
  }
}
