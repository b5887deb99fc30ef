internal import Basic
internal import IR
internal import Ops

/// An instance normalisation between two reshapes, then ·γ and + β per channel: group normalisation.
let recognizeGroupNormalization = recognizer(
  "recognize-group-normalization",
  "reshape(instance-normalization(reshape(x, [n, groups, …])))·γ + β becomes group normalisation.", endsAt: [Reshape()], relative: 1e-4,
  form: .groupNormalization,
  conditions: Condition.all
) { match, id throws(NearMiss) in
  guard let (back, _, reshaped) = match.made(match.graph[id].outputs[0], by: Reshape.self),
    let (inner, op, node) = match.made(reshaped.inputs[0], by: GroupNormalization.self), op.groups == 0,
    let (split, _, splitNode) = match.made(node.inputs[0], by: Reshape.self), let x = splitNode.inputs[0],
    let type = match.graph.tensorType(x), let grouped = match.graph.tensorType(node.inputs[0])
  else { return nil }
  var covers = [split, inner, back]
  var result = reshaped.outputs[0]
  guard type.rank >= 3, match.graph.tensorType(result)?.shape == type.shape, grouped.shape.first == type.shape.first,
    let channels = type.shape[1].constant, let groups = grouped.shape[1].constant, groups > 0, channels % groups == 0, channels <= 1 << 20
  else { throw NearMiss(Condition.shapes, found: "\(type) as \(grouped)", covers) }
  guard match.scalar(node.inputs[1]) == 1, match.scalar(node.inputs[2]) == 0 else { throw NearMiss(Condition.inner, covers) }
  let perChannel = [Dimension.constant(channels)] + [Dimension](repeating: 1, count: type.rank - 2)
  let tail = match.affineTail(&result, &covers, shape: perChannel, takesBias: true)
  // A scale of 1 and a bias of 0 are no nodes any more.
  func parameter(_ value: ValueID?, neutral: Double) -> Constant {
    guard var constant = match.graph.constant(value) else {
      return Constant(Tensor(type.element, [channels], rounding: [Double](repeating: neutral, count: channels)))
    }
    constant.type.shape = [.constant(channels)]
    return constant
  }
  return Recognition(
    operation: GroupNormalization(groups: groups, epsilon: op.epsilon), inputs: [x, nil, nil], result: result, covers: covers,
    preparations: [
      .constant(input: 1, parameter(tail.scale, neutral: 1)), .constant(input: 2, parameter(tail.bias, neutral: 0)),
    ])
}

private enum Condition {
  static let shapes = "the reshapes do not split the channels into groups and join them again"
  static let inner = "the inner normalisation has a scale or bias of its own"
  static let all = [shapes, inner]
}
