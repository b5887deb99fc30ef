package import IR

/// y = scale·(x − mean)/√(variance + ε) + bias, per channel (axis 1).
///
/// Inputs: x [n, c, …], scale, bias, mean and variance [c]. Outputs: y; in training mode also the running mean and
/// variance: old·momentum + current·(1 − momentum).
package struct BatchNormalization: ONNXOperator {
  package static let name = "batch-normalization"

  package var epsilon: Float
  package var momentum: Float
  /// The statistics of the batch are used and written out.
  package var isTraining: Bool

  package init(epsilon: Float = 1e-5, momentum: Float = 0.9, isTraining: Bool = false) {
    self.epsilon = epsilon
    self.momentum = momentum
    self.isTraining = isTraining
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 1 else { throw OperatorError("ranks-match", "a scalar has no channels to normalise") }
    let channels: Dimension = x.rank > 1 ? x.shape[1] : 1
    for index in 1...4 {
      let parameter = try context.tensor(index)
      guard parameter.rank == 1 else {
        throw OperatorError("parameter-rank", "input \(index) must be a vector, not \(parameter.shape.text)")
      }
      if let a = channels.constant, let b = parameter.shape[0].constant, a != b {
        throw OperatorError("channels-match", "the input has \(a) channels but input \(index) has \(b) elements")
      }
    }
    let statistics = ValueType.tensor(TensorType(try context.tensor(3).element, [channels]))
    return [.tensor(TensorType(x.element, x.shape))] + Array(repeating: statistics, count: max(0, context.outputCount - 1))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    guard isTraining else { return try operands.pointwise("batch-normalization", simple: 2, hasStatistics: true) }
    let shape = try operands.shape(ofInput: 0)
    let channels = shape.count > 1 ? shape[1] : 1
    return try operands.normalization(rows: channels, columns: try operands.input(0).count / max(1, channels))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    let parameters = operands.inputs.indices.dropFirst().map { AxisMap(.input($0), 0) }
    let statistics = operands.outputs.indices.dropFirst().map { AxisMap(.output($0), 0) }
    return operands.sameAxisTies().map { tie in
      guard tie.members.first?.axis == 1 else {
        return AxisTie(count: tie.count, tie.members.filter { $0.slot == .input(0) || $0.slot == .output(0) })
      }
      return AxisTie(count: tie.count, [AxisMap(.input(0), 1), AxisMap(.output(0), 1)] + parameters + statistics)
    }
  }

  package var storedForm: StoredForm? { isTraining ? nil : .rescaled }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    if context.kernels != nil, !isTraining, context.outputCount == 1, let y = try scaledPlanes(inputs) { return [.tensor(y)] }
    var x = try tensor.doubles()
    let scale = try inputs.tensor(1).doubles()
    let bias = try inputs.tensor(2).doubles()
    let mean = try inputs.tensor(3)
    var (means, variances) = (try mean.doubles(), try inputs.tensor(4).doubles())
    let split = tensor.rank > 1 ? AxisSplit(tensor.shape, axis: 1) : AxisSplit(tensor.shape + [1], axis: 1)
    guard [scale.count, bias.count, means.count, variances.count].allSatisfy({ $0 == split.extent }) else {
      throw OperatorError("channels-match", "the parameters do not have \(split.extent) elements")
    }
    var running = (means: means, variances: variances)
    for channel in 0..<split.extent {
      if isTraining {
        let moments = Moments(split.indices(channel).lazy.map { x[$0] })
        (means[channel], variances[channel]) = (moments.mean, moments.variance)
        let keep = Double(momentum)
        running.means[channel] = running.means[channel] * keep + moments.mean * (1 - keep)
        running.variances[channel] = running.variances[channel] * keep + moments.variance * (1 - keep)
      }
      let factor = scale[channel] / (variances[channel] + Double(epsilon)).squareRoot()
      let offset = bias[channel] - means[channel] * factor
      for index in split.indices(channel) { x[index] = x[index] * factor + offset }
    }
    let statistics = [running.means, running.variances, means, variances].prefix(max(0, context.outputCount - 1))
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x))]
      + statistics.map { .tensor(Tensor(mean.element, mean.shape, rounding: $0)) }
  }

  /// Inference on planes of single precision: one multiplication and addition per element.
  private func scaledPlanes(_ inputs: [Datum?]) throws(OperatorError) -> Tensor? {
    let tensor = try inputs.tensor(0)
    guard case .float32(var x) = tensor.elements, tensor.rank > 1 else { return nil }
    var parameters: [[Float]] = []
    for index in 1...4 { parameters.append(try inputs.tensor(index).floats()) }
    let split = AxisSplit(tensor.shape, axis: 1)
    guard parameters.allSatisfy({ $0.count == split.extent }) else { return nil }
    x.withUnsafeMutableBufferPointer { x in
      for line in 0..<(split.outer * split.extent) {
        let channel = line % split.extent
        let factor = parameters[0][channel] / (parameters[3][channel] + epsilon).squareRoot()
        let offset = parameters[1][channel] - parameters[2][channel] * factor
        for index in (line * split.inner)..<((line + 1) * split.inner) { x[index] = x[index] * factor + offset }
      }
    }
    return Tensor(.float32, tensor.shape, .float32(x))
  }

  package static var onnxNames: [ONNXName] { ["BatchNormalization"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> BatchNormalization {
    for attribute in ["spatial", "consumed_inputs"] { node.ignore(attribute) }
    let isTest = try node.integer("is_test").map { $0 != 0 }
    let training = try node.integer("training_mode").map { $0 != 0 }
    return BatchNormalization(
      epsilon: try node.float("epsilon") ?? 1e-5, momentum: try node.float("momentum") ?? 0.9,
      isTraining: training ?? isTest.map { !$0 } ?? (node.opset < 14 && node.outputCount > 1))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "BatchNormalization",
      [("epsilon", .float(epsilon)), ("momentum", .float(momentum)), ("training_mode", .integer(isTraining ? 1 : 0))])
  }
}
