internal import Basic
internal import IR
internal import Ops

/// exp(x − max(x))/Σ exp(x − max(x)) along one axis: softmax, as exporters without the operator spell it.
let recognizeSoftmax = recognizer(
  "recognize-softmax", "exp(x − max(x))/Σ exp(x − max(x)) becomes softmax.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], conditions: Condition.all
) { match, id throws(NearMiss) in
  let result = match.graph[id].outputs[0]
  guard let quotient = match.quotient(result), let (exponential, shifted) = match.unary(quotient.numerator, .exp),
    let (sum, op, node) = match.made(quotient.denominator, by: Reduce.self), op.function == .sum, op.keepsAxes,
    node.inputs[0] == quotient.numerator
  else { return nil }
  var covers = quotient.nodes + [exponential, sum]
  guard let (subtract, x, largest) = match.binary(shifted, .sub),
    let (maximum, reduction, largestNode) = match.made(largest, by: Reduce.self), reduction.function == .maximum, reduction.keepsAxes,
    largestNode.inputs[0] == x
  else { throw NearMiss(Condition.largest, covers) }
  covers += [subtract, maximum]
  guard let axes = match.axes(of: node), axes.count == 1, axes == match.axes(of: largestNode) else {
    throw NearMiss(Condition.axis, covers)
  }
  return Recognition(operation: Softmax(axis: axes[0]), inputs: [x], result: result, covers: covers)
}

private enum Condition {
  static let largest = "the largest element is not taken away first, so that large ones overflow"
  static let axis = "sum and maximum do not run over one axis"
  static let all = [largest, axis]
}
