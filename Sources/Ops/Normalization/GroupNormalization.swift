package import IR

/// Normalisation of groups of channels within each image: y = (x − mean)/√(variance + ε)·scale + bias.
///
/// Inputs: x [n, c, …], scale and bias [c] (or one per group, as in opset 18). As many groups as channels (`groups` 0)
/// make an instance normalisation. Output: y.
package struct GroupNormalization: ONNXOperator {
  package static let name = "group-normalization"

  /// Number of groups; 0 means every channel by itself.
  package var groups: Int
  package var epsilon: Float
  package var statistics: ElementType

  package init(groups: Int, epsilon: Float = 1e-5, statistics: ElementType = .float32) {
    self.groups = groups
    self.epsilon = epsilon
    self.statistics = statistics
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 2 else { throw OperatorError("ranks-match", "the input \(x.shape.text) has no channel axis") }
    if let channels = x.shape[1].constant {
      guard groups >= 0, groups == 0 || channels % groups == 0 else {
        throw OperatorError("groups-divide", "\(channels) channels do not divide into \(groups) groups")
      }
      for index in [1, 2] {
        let parameter = try context.tensor(index)
        guard parameter.rank == 1, let count = parameter.shape[0].constant.map({ $0 == channels || $0 == groups }) ?? true as Bool?,
          count
        else {
          throw OperatorError("channels-match", "input \(index) \(parameter.shape.text) must have one element per channel or group")
        }
      }
    }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let rows = shape[0] * (groups == 0 ? shape[1] : groups)
    return try operands.normalization(rows: rows, columns: shape.reduce(1, *) / max(1, rows), simple: 8)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    var x = try tensor.doubles()
    let scale = try inputs.tensor(1).doubles()
    let bias = try inputs.tensor(2).doubles()
    let channels = tensor.shape[1]
    let groups = groups == 0 ? channels : groups
    guard groups > 0, channels % groups == 0, scale.count == channels || scale.count == groups, bias.count == scale.count else {
      throw OperatorError("channels-match", "scale and bias must have one element per channel or group")
    }
    let plane = tensor.shape[2...].reduce(1, *)
    let perGroup = channels / groups
    for image in 0..<tensor.shape[0] {
      for group in 0..<groups {
        let first = image * channels + group * perGroup
        let moments = Moments(x[(first * plane)..<((first + perGroup) * plane)])
        let inverse = moments.inverseDeviation(Double(epsilon))
        for channel in 0..<perGroup {
          let parameter = scale.count == channels ? group * perGroup + channel : group
          let start = (first + channel) * plane
          for index in start..<(start + plane) {
            x[index] = (x[index] - moments.mean) * inverse * scale[parameter] + bias[parameter]
          }
        }
      }
    }
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x))]
  }

  package static var onnxNames: [ONNXName] { ["GroupNormalization", "InstanceNormalization"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> GroupNormalization {
    node.ignore("consumed_inputs")
    let epsilon = try node.float("epsilon") ?? 1e-5
    if node.name.type == "InstanceNormalization" { return GroupNormalization(groups: 0, epsilon: epsilon) }
    guard let groups = try node.integer("num_groups"), groups > 0 else {
      throw OperatorError("groups-positive", "GroupNormalization needs a positive num_groups")
    }
    return GroupNormalization(
      groups: groups, epsilon: epsilon, statistics: try ElementType(onnxStatistics: node.integer("stash_type")))
  }

  package func exportONNX() -> ONNXSpelling {
    if groups == 0 { return ONNXSpelling("InstanceNormalization", [("epsilon", .float(epsilon))]) }
    return ONNXSpelling(
      "GroupNormalization",
      [("num_groups", .integer(groups)), ("epsilon", .float(epsilon)), ("stash_type", .integer(statistics.onnxStatistics))])
  }
}
