internal import Basic
internal import IR
internal import Ops

/// act(gate)·x between two tensors of one shape: SwiGLU, GeGLU, ReGLU, GLU.
let recognizeGatedUnit = recognizer(
  "recognize-gated-unit", "act(a)·b becomes a gated unit (SwiGLU, GeGLU, GLU) when a and b have one shape.",
  endsAt: [BinaryElementwise(.mul)], form: .gatedUnit,
  conditions: Condition.all
) { match, id throws(NearMiss) in
  let result = match.graph[id].outputs[0]
  guard let pair = match.binary(result, .mul) else { return nil }
  for (activated, value) in match.eitherOrder(pair) {
    guard let (node, activation, gate) = match.activation(activated), gate != value, match.graph.constant(value) == nil,
      match.graph.tensorType(gate)?.shape == match.graph.tensorType(value)?.shape
    else { continue }
    guard match.readers.sole(activated) == pair.id else { throw NearMiss(Condition.shared, [node, pair.id]) }
    return Recognition(operation: GatedUnit(activation), inputs: [gate, value], result: result, covers: [pair.id, node])
  }
  return nil
}

private enum Condition {
  static let shared = "the activated gate is read elsewhere too"
  static let all = [shared]
}

extension GraphMatcher {
  /// An activation that gated units use, and what it is taken of.
  fileprivate func activation(_ value: ValueID) -> (id: NodeID, GatedUnit.Activation, gate: ValueID)? {
    if let (id, op, node) = made(value, by: UnaryElementwise.self), let gate = node.inputs[0] {
      switch op.function {
      case .silu: return (id, .silu, gate)
      case .sigmoid: return (id, .sigmoid, gate)
      case .relu: return (id, .relu, gate)
      default: return nil
      }
    }
    guard let (id, op, node) = made(value, by: Gelu.self), node.inputs.count == 1, let gate = node.inputs[0] else { return nil }
    switch op.form {
    case .erf: return (id, .gelu, gate)
    case .tanh: return (id, .geluTanh, gate)
    case .logistic: return nil
    }
  }
}
