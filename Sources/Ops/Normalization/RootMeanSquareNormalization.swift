package import IR

/// y = x/√(mean(x²) + ε)·scale over the axes from `axis` on (RMSNorm).
///
/// Inputs: x, scale. Outputs: y, optional 1/√(mean(x²) + ε).
package struct RootMeanSquareNormalization: ONNXOperator {
  package static let name = "rms-normalization"

  package var axis: Int
  package var epsilon: Float
  package var statistics: ElementType

  package init(axis: Int = -1, epsilon: Float = 1e-5, statistics: ElementType = .float32) {
    self.axis = axis
    self.epsilon = epsilon
    self.statistics = statistics
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    if let scale = try context.optionalTensor(1), try Broadcast.shape([x.shape, scale.shape]).count != x.rank {
      throw OperatorError("scale-broadcast", "the scale \(scale.shape.text) does not broadcast to \(x.shape.text)")
    }
    let shape = x.shape[..<axis] + Array(repeating: 1, count: x.rank - axis)
    let statistic = ValueType.tensor(TensorType(statistics, Array(shape)))
    return [.tensor(TensorType(x.element, x.shape))] + Array(repeating: statistic, count: max(0, context.outputCount - 1))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let axis = try resolveAxis(axis, rank: shape.count)
    return try operands.normalization(rows: shape[..<axis].reduce(1, *), columns: shape[axis...].reduce(1, *), simple: 4)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.alignedTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let axis = try resolveAxis(axis, rank: tensor.rank)
    var x = try tensor.doubles()
    let rows = tensor.shape[..<axis].reduce(1, *)
    let columns = tensor.shape[axis...].reduce(1, *)
    var inverses: [Double] = []
    for row in 0..<rows {
      let range = (row * columns)..<((row + 1) * columns)
      let meanSquare = x[range].reduce(0) { $0 + $1 * $1 } / Double(columns)
      let inverse = 1 / (meanSquare + Double(epsilon)).squareRoot()
      for index in range { x[index] *= inverse }
      inverses.append(inverse)
    }
    x = try x.scaled(by: try inputs.optionalTensor(1), shape: tensor.shape)
    let y = Datum.tensor(Tensor(tensor.element, tensor.shape, rounding: x))
    guard context.outputCount > 1 else { return [y] }
    let shape = tensor.shape[..<axis] + Array(repeating: 1, count: tensor.rank - axis)
    return [y] + Array(repeating: .tensor(Tensor(statistics, Array(shape), rounding: inverses)), count: context.outputCount - 1)
  }

  package static var onnxNames: [ONNXName] {
    [
      "SimplifiedLayerNormalization", ONNXName(domain: "com.microsoft", "SimplifiedLayerNormalization"), "RMSNormalization",
    ]
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> RootMeanSquareNormalization {
    RootMeanSquareNormalization(
      axis: try node.integer("axis") ?? -1, epsilon: try node.float("epsilon") ?? 1e-5,
      statistics: try ElementType(onnxStatistics: node.integer("stash_type")))
  }

  /// ONNX Runtime registers the operator in the default domain, for every opset.
  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "SimplifiedLayerNormalization",
      [("axis", .integer(axis)), ("epsilon", .float(epsilon)), ("stash_type", .integer(statistics.onnxStatistics))])
  }
}
