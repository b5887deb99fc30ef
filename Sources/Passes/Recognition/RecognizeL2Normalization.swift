internal import Basic
internal import IR
internal import Ops

/// x/max(‖x‖₂, ε) or x/‖x‖₂ along one axis: normalisation to length 1, which frameworks call `normalize`.
let recognizeL2Normalization = recognizer(
  "recognize-l2-normalization", "x/max(‖x‖₂, ε) becomes normalisation by the length along one axis.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], form: .rmsNormalization, conditions: Condition.all
) { match, id throws(NearMiss) in
  let result = match.graph[id].outputs[0]
  guard let quotient = match.quotient(result), let found = match.length(under: quotient.denominator) else { return nil }
  let covers = quotient.nodes + found.nodes
  guard found.x == quotient.numerator else { throw NearMiss(Condition.numerator, covers) }
  guard let least = found.least else { throw NearMiss(Condition.changed, covers) }
  guard let axis = found.axes?.first, found.axes?.count == 1 else { throw NearMiss(Condition.axis, covers) }
  return Recognition(
    operation: LpNormalization(axis: axis, epsilon: Float(least)), inputs: [found.x], result: result, covers: covers)
}

private enum Condition {
  static let numerator = "the length is not that of the divided tensor"
  static let changed = "the length is changed otherwise than by a least one before it divides"
  static let axis = "the length does not run over one axis"
  static let all = [numerator, changed, axis]
}

private struct Length {
  var x: ValueID
  var axes: [Int]?
  /// What the length is at least; nil where it is changed otherwise.
  var least: Double?
  var nodes: [NodeID]
}

extension GraphMatcher {
  /// A length that keeps its axes, under what bounds, changes and broadcasts it.
  fileprivate func length(under value: ValueID) -> Length? {
    var (current, nodes, least) = (value, [NodeID](), Double?.some(0))
    if let (id, _, node) = made(current, by: Expand.self), let x = node.inputs[0] {
      nodes.append(id)
      current = x
    }
    for _ in 0..<3 {
      if var found = length(current) {
        found.nodes += nodes
        found.least = least
        return found
      }
      if let (id, x, low) = boundedBelow(current) {
        nodes.append(id)
        least = least.map { max($0, low) }
        current = x
      } else if let (id, x, _) = scaled(current) ?? withScalar(current, .add) {
        nodes.append(id)
        least = nil
        current = x
      } else {
        return nil
      }
    }
    return nil
  }

  /// max(x, low), as a clip or a maximum.
  private func boundedBelow(_ value: ValueID) -> (id: NodeID, x: ValueID, low: Double)? {
    if let (id, op, node) = made(value, by: VariadicElementwise.self), op.function == .max, node.inputs.count == 2 {
      for (x, bound) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        if let x, let low = scalar(bound) { return (id, x, low) }
      }
    }
    guard let (id, _, node) = made(value, by: Clip.self), node.inputs.count < 3 || node.inputs[2] == nil, node.inputs.count > 1,
      let x = node.inputs[0], let low = scalar(node.inputs[1])
    else { return nil }
    return (id, x, low)
  }

  /// ‖x‖₂ at once, or as a root of a sum of squares.
  private func length(_ value: ValueID) -> Length? {
    if let (id, op, node) = made(value, by: Reduce.self), op.function == .l2, op.keepsAxes, let x = node.inputs[0] {
      return Length(x: x, axes: axes(of: node), nodes: [id])
    }
    guard let (root, inside) = unary(value, .sqrt) ?? withScalar(value, .pow).flatMap({ $0.number == 0.5 ? ($0.id, $0.x) : nil }),
      let (id, op, node) = made(inside, by: Reduce.self), op.keepsAxes, let x = node.inputs[0]
    else { return nil }
    if op.function == .sumSquare { return Length(x: x, axes: axes(of: node), nodes: [root, id]) }
    guard op.function == .sum, let (square, base) = square(x) else { return nil }
    return Length(x: base, axes: axes(of: node), nodes: [root, id, square])
  }
}
