package import IR

/// Normalisation of a sum: s = x + skip + bias, y = norm(s)·gamma + beta, over the last axis.
///
/// Inputs: x [b, s, h], skip (broadcast over the batch), gamma [h], optional beta [h] (none for the root-mean-square
/// form), optional bias [h]. Outputs: y, optional mean and 1/deviation (not computed: empty), optional s.
package struct SkipNormalization: ONNXOperator {
  package static let name = "skip-normalization"

  /// Divides by the root mean square instead of centring first; then there is no beta.
  package var isSimplified: Bool
  package var epsilon: Float

  package init(isSimplified: Bool = false, epsilon: Float = 1e-12) {
    self.isSimplified = isSimplified
    self.epsilon = epsilon
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let skip = try context.tensor(1)
    guard try Broadcast.shape([x.shape, skip.shape]).count == x.rank, x.rank >= 1 else {
      throw OperatorError("skip-broadcast", "the skip \(skip.shape.text) does not broadcast to \(x.shape.text)")
    }
    let statistic = ValueType.tensor(TensorType(.float32, Array(x.shape.dropLast()) + [1]))
    let types: [ValueType] = [.tensor(TensorType(x.element, x.shape)), statistic, statistic, .tensor(TensorType(x.element, x.shape))]
    return Array(types.prefix(max(1, context.outputCount)))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let columns = shape.last ?? 1
    return try operands.normalization(rows: shape.dropLast().reduce(1, *), columns: columns, simple: isSimplified ? 5 : 9)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.alignedTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard let columns = x.shape.last, columns > 0 else { throw OperatorError("ranks-match", "a scalar cannot be normalised") }
    if let kernels = context.kernels, !isSimplified, let outputs = try normalized(inputs, columns, context, kernels) {
      return outputs
    }
    var sum = try x.doubles().shifted(by: try inputs.tensor(1), shape: x.shape)
    sum = try sum.shifted(by: try inputs.optionalTensor(isSimplified ? 3 : 4), shape: x.shape)
    var y = sum
    var (means, inverses) = ([Double](), [Double]())
    for row in 0..<(sum.count / columns) {
      let range = (row * columns)..<((row + 1) * columns)
      let moments = Moments(sum[range])
      let mean = isSimplified ? 0 : moments.mean
      let power = isSimplified ? moments.variance + moments.mean * moments.mean : moments.variance
      let inverse = 1 / (power + Double(epsilon)).squareRoot()
      for index in range { y[index] = (sum[index] - mean) * inverse }
      means.append(mean)
      inverses.append(inverse)
    }
    y = try y.scaled(by: try inputs.tensor(2), shape: x.shape)
    if !isSimplified { y = try y.shifted(by: try inputs.optionalTensor(3), shape: x.shape) }
    let statistics = Array(x.shape.dropLast()) + [1]
    let outputs = [
      Tensor(x.element, x.shape, rounding: y), Tensor(.float32, statistics, rounding: means),
      Tensor(.float32, statistics, rounding: inverses), Tensor(x.element, x.shape, rounding: sum),
    ]
    return outputs.prefix(max(1, context.outputCount)).map { .tensor($0) }
  }

  /// In single precision, when no statistics are asked for.
  private func normalized(
    _ inputs: [Datum?], _ columns: Int, _ context: EvaluationContext, _ kernels: any ComputeKernels
  ) throws(OperatorError) -> [Datum]? {
    let x = try inputs.tensor(0)
    let scale = try inputs.tensor(2)
    guard x.element == .float32, context.outputCount == 1 || context.outputCount == 4, scale.count == columns else { return nil }
    var sum = try BinaryElementwise.Function.add.apply(x, try inputs.tensor(1))
    if let bias = try inputs.optionalTensor(4) { sum = try BinaryElementwise.Function.add.apply(sum, bias) }
    guard sum.shape == x.shape else { return nil }
    let y = kernels.normalize(
      try sum.floats(), scale: try scale.floats(), bias: try inputs.optionalTensor(3)?.floats(), epsilon: epsilon)
    let result = Datum.tensor(Tensor(.float32, x.shape, .float32(y)))
    let empty = Datum.tensor(Tensor(.float32, [0], .float32([])))
    return context.outputCount == 1 ? [result] : [result, empty, empty, .tensor(sum)]
  }

  package static var onnxNames: [ONNXName] {
    ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"].map { ONNXName(domain: "com.microsoft", $0) }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SkipNormalization {
    SkipNormalization(
      isSimplified: node.name.type == "SkipSimplifiedLayerNormalization", epsilon: try node.float("epsilon") ?? 1e-12)
  }

  package func exportONNX() -> ONNXSpelling {
    let type = isSimplified ? "SkipSimplifiedLayerNormalization" : "SkipLayerNormalization"
    return ONNXSpelling(ONNXName(domain: "com.microsoft", type), [("epsilon", .float(epsilon))])
  }
}
