internal import Basic
internal import IR
internal import Ops

/// x·min(max(x + 3, 0), 6)/6, in any order of its factors, or x·hardSigmoid(x) with slope 1/6: hard-swish.
let recognizeHardSwish = recognizer(
  "recognize-hard-swish", "x·clip(x + 3, 0, 6)/6 and x·hard-sigmoid(x) become hard-swish.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], conditions: Condition.all
) { match, id throws(NearMiss) in
  let result = match.graph[id].outputs[0]
  // The division may come last, or on either factor.
  if let (divide, product, factor) = match.scaled(result), match.near(factor, 1.0 / 6), let pair = match.binary(product, .mul) {
    for (x, gate) in match.eitherOrder(pair) {
      if let (nodes, y) = try match.shiftedClip(gate, of: x, [divide, pair.id]), y == x {
        return Recognition(operation: UnaryElementwise(.hardSwish), inputs: [x], result: result, covers: [divide, pair.id] + nodes)
      }
    }
  }
  guard let pair = match.binary(result, .mul) else { return nil }
  for (x, gate) in match.eitherOrder(pair) {
    if let (divide, clipped, factor) = match.scaled(gate), match.near(factor, 1.0 / 6),
      let (nodes, y) = try match.shiftedClip(clipped, of: x, [pair.id, divide]), y == x
    {
      return Recognition(operation: UnaryElementwise(.hardSwish), inputs: [x], result: result, covers: [pair.id, divide] + nodes)
    }
    if let (node, op, sigmoid) = match.made(gate, by: ParametricUnary.self), op.function == .hardSigmoid,
      match.near(Double(op.alpha), 1.0 / 6),
      match.near(Double(op.beta), 0.5), sigmoid.inputs[0] == x
    {
      return Recognition(operation: UnaryElementwise(.hardSwish), inputs: [x], result: result, covers: [pair.id, node])
    }
  }
  return nil
}

private enum Condition {
  static let bounds = "the gate is not x + 3 between 0 and 6"
  static let all = [bounds]
}

extension GraphMatcher {
  /// clip(x + 3, 0, 6): its nodes and x.
  fileprivate func shiftedClip(
    _ value: ValueID, of wanted: ValueID, _ found: [NodeID]
  ) throws(NearMiss) -> (nodes: [NodeID], x: ValueID)? {
    guard let (clip, _, node) = made(value, by: Clip.self), let (add, x, shift) = withScalar(node.inputs[0], .add), x == wanted
    else { return nil }
    guard near(shift, 3), node.inputs.count == 3, scalar(node.inputs[1]) == 0, scalar(node.inputs[2]) == 6 else {
      throw NearMiss(Condition.bounds, found: "shift \(shift)", found + [clip, add])
    }
    return ([clip, add], x)
  }
}
