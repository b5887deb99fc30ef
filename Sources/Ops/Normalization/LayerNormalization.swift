package import IR

/// y = (x − mean)/√(variance + ε)·scale + bias over the axes from `axis` on.
///
/// Inputs: x, scale, optional bias (both broadcast to the normalised axes). Outputs: y, optional mean and 1/√(variance + ε).
package struct LayerNormalization: ONNXOperator {
  package static let name = "layer-normalization"

  package var axis: Int
  package var epsilon: Float
  /// Type in which the statistics are kept.
  package var statistics: ElementType

  package init(axis: Int = -1, epsilon: Float = 1e-5, statistics: ElementType = .float32) {
    self.axis = axis
    self.epsilon = epsilon
    self.statistics = statistics
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    for index in [1, 2] {
      guard let parameter = try context.optionalTensor(index) else { continue }
      guard try Broadcast.shape([x.shape, parameter.shape]).count == x.rank else {
        throw OperatorError("scale-broadcast", "input \(index) \(parameter.shape.text) does not broadcast to \(x.shape.text)")
      }
    }
    let shape = x.shape[..<axis] + Array(repeating: 1, count: x.rank - axis)
    let statistic = ValueType.tensor(TensorType(statistics, Array(shape)))
    return [.tensor(TensorType(x.element, x.shape))] + Array(repeating: statistic, count: max(0, context.outputCount - 1))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let axis = try resolveAxis(axis, rank: shape.count)
    return try operands.normalization(rows: shape[..<axis].reduce(1, *), columns: shape[axis...].reduce(1, *), simple: 8)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.alignedTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let axis = try resolveAxis(axis, rank: tensor.rank)
    if let kernels = context.kernels, context.outputCount == 1,
      let y = try normalizedRows(inputs, tensor.shape[axis...].reduce(1, *), kernels)
    {
      return [.tensor(y)]
    }
    var x = try tensor.doubles()
    let rows = tensor.shape[..<axis].reduce(1, *)
    let columns = tensor.shape[axis...].reduce(1, *)
    var (means, inverses) = ([Double](), [Double]())
    for row in 0..<rows {
      let range = (row * columns)..<((row + 1) * columns)
      let moments = Moments(x[range])
      let inverse = moments.inverseDeviation(Double(epsilon))
      for index in range { x[index] = (x[index] - moments.mean) * inverse }
      means.append(moments.mean)
      inverses.append(inverse)
    }
    x = try x.scaled(by: try inputs.optionalTensor(1), shape: tensor.shape)
    x = try x.shifted(by: try inputs.optionalTensor(2), shape: tensor.shape)
    let shape = tensor.shape[..<axis] + Array(repeating: 1, count: tensor.rank - axis)
    let extra = [means, inverses].prefix(max(0, context.outputCount - 1))
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x))]
      + extra.map { .tensor(Tensor(statistics, Array(shape), rounding: $0)) }
  }

  /// Rows of single precision whose scale and bias have one element per column.
  private func normalizedRows(
    _ inputs: [Datum?], _ columns: Int, _ kernels: any ComputeKernels
  ) throws(OperatorError) -> Tensor? {
    let tensor = try inputs.tensor(0)
    guard tensor.element == .float32, case .float32(let x) = tensor.elements, columns > 0,
      let scale = try inputs.optionalTensor(1)?.floats(), scale.count == columns
    else { return nil }
    let bias = try inputs.optionalTensor(2)?.floats()
    guard bias.map({ $0.count == columns }) ?? true else { return nil }
    let y = kernels.normalize(x, scale: scale, bias: bias, epsilon: epsilon)
    return Tensor(.float32, tensor.shape, .float32(y))
  }

  package static var onnxNames: [ONNXName] { ["LayerNormalization"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> LayerNormalization {
    LayerNormalization(
      axis: try node.integer("axis") ?? -1, epsilon: try node.float("epsilon") ?? 1e-5,
      statistics: try ElementType(onnxStatistics: node.integer("stash_type")))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "LayerNormalization",
      [("axis", .integer(axis)), ("epsilon", .float(epsilon)), ("stash_type", .integer(statistics.onnxStatistics))])
  }
}

extension ElementType {
  /// The `stash_type` attribute: 1 (float32), 11 (float64) or 16 (bfloat16).
  package init(onnxStatistics code: Int?) throws(OperatorError) {
    switch code ?? 1 {
    case 1: self = .float32
    case 10: self = .float16
    case 11: self = .float64
    case 16: self = .bfloat16
    default: throw OperatorError("stash-type", "statistics cannot be kept in type \(code ?? 1)")
    }
  }

  package var onnxStatistics: Int {
    switch self {
    case .float16: 10
    case .float64: 11
    case .bfloat16: 16
    default: 1
    }
  }
}

extension [Double] {
  /// Multiplied by a tensor that broadcasts to `shape`.
  package func scaled(by factor: Tensor?, shape: [Int]) throws(OperatorError) -> [Double] {
    guard let factor else { return self }
    let values = try factor.doubles()
    var result = self
    Broadcast.forEachPair(shape, shape, factor.shape) { position, _, offset in result[position] *= values[offset] }
    return result
  }

  /// A tensor that broadcasts to `shape` added.
  package func shifted(by summand: Tensor?, shape: [Int]) throws(OperatorError) -> [Double] {
    guard let summand else { return self }
    let values = try summand.doubles()
    var result = self
    Broadcast.forEachPair(shape, shape, summand.shape) { position, _, offset in result[position] += values[offset] }
    return result
  }
}
