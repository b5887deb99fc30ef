package import IR

/// y = (x − mean)/(√variance + 10⁻⁹) over `axes`, or (x − mean)/√(variance + ε). Input and output: x, of one shape.
package struct MeanVarianceNormalization: ONNXOperator {
  package static let name = "mean-variance-normalization"

  package var axes: [Int]

  /// Added to the variance, where the operator is that of a framework's normalisation.
  package var epsilon: Float?

  package init(axes: [Int] = [0, 2, 3], epsilon: Float? = nil) {
    self.axes = axes
    self.epsilon = epsilon
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    _ = try resolveAxes(axes, rank: x.rank)
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let columns = try resolveAxes(axes, rank: shape.count).reduce(1) { $0 * shape[$1] }
    return try operands.normalization(rows: shape.reduce(1, *) / max(1, columns), columns: columns)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let x = try tensor.doubles()
    let kept = try ReducedShape(tensor.shape, axes: resolveAxes(axes, rank: tensor.rank))
    var sums = [Double](repeating: 0, count: kept.count)
    var squares = sums
    kept.forEach { index, row in
      sums[row] += x[index]
      squares[row] += x[index] * x[index]
    }
    var y = x
    let columns = Double(kept.columns)
    kept.forEach { index, row in
      let mean = sums[row] / columns
      let variance = max(0, squares[row] / columns - mean * mean)
      y[index] = (x[index] - mean) / (epsilon.map { (variance + Double($0)).squareRoot() } ?? variance.squareRoot() + 1e-9)
    }
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["MeanVarianceNormalization"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> MeanVarianceNormalization {
    // Before opset 9 the attribute was `across_channels`.
    if let acrossChannels = try node.integer("across_channels") {
      node.ignore("normalize_variance")
      return MeanVarianceNormalization(axes: acrossChannels != 0 ? [0, 1, 2, 3] : [0, 2, 3])
    }
    return MeanVarianceNormalization(axes: try node.integers("axes") ?? [0, 2, 3])
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("MeanVarianceNormalization", [("axes", .integers(axes))]) }
}
