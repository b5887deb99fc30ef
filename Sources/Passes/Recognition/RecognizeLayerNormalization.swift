internal import Basic
internal import IR
internal import Ops

/// (x − mean(x))/√(mean((x − mean(x))²) + ε), then optionally ·γ and + β: layer normalisation over the trailing axes.
let recognizeLayerNormalization = recognizer(
  "recognize-layer-normalization",
  "(x − mean(x))/√(mean((x − mean(x))²) + ε)·γ + β becomes layer normalisation over the trailing axes.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], relative: 1e-4, form: .layerNormalization, conditions: Condition.all
) { match, id throws(NearMiss) in
  var result = match.graph[id].outputs[0]
  guard let quotient = match.overRoot(result), let (subtract, x, average) = match.binary(quotient.numerator, .sub),
    let (meanNode, mean) = match.mean(average), meanNode.inputs[0] == x
  else { return nil }
  var covers = quotient.nodes + [subtract] + mean
  guard let (addEpsilon, variance, epsilon) = match.withScalar(quotient.radicand, .add) else { throw NearMiss(Condition.epsilon, covers) }
  covers.append(addEpsilon)
  guard let (varianceNode, varianceMean) = match.mean(variance), let squared = varianceNode.inputs[0],
    let (square, base) = match.square(squared),
    match.isDeviation(base, of: x, average, sameAs: quotient.numerator)
  else { throw NearMiss(Condition.variance, covers) }
  covers += varianceMean + [square]
  guard let axes = match.axes(of: meanNode), axes == match.axes(of: varianceNode), let type = match.graph.tensorType(x),
    let first = axes.first, axes == Array(first..<type.rank)
  else { throw NearMiss(Condition.axes, found: "axes \(match.axes(of: meanNode) ?? [])", covers) }
  if let other = match.graph.producer(base), other != subtract { covers.append(other) }
  let tail = match.affineTail(&result, &covers, shape: Array(type.shape[first...]), takesBias: true)
  let ones = tail.scale == nil ? match.ones(like: type, from: first) : nil
  guard tail.scale != nil || ones != nil else { throw NearMiss(Condition.scale, covers) }
  return Recognition(
    operation: LayerNormalization(axis: first - type.rank, epsilon: Float(epsilon)),
    inputs: [x, tail.scale] + (tail.bias.map { [$0] } ?? []), result: result, covers: covers,
    preparations: ones.map { [.constant(input: 1, $0)] } ?? [])
}

private enum Condition {
  static let epsilon = "the number under the root is not a variance plus a constant ε"
  static let variance = "the number under the root is not the mean of the squared deviations"
  static let axes = "mean and variance do not run over the same trailing axes"
  static let scale = "no scale of the normalised shape follows and the shape is not known"
  static let all = [epsilon, variance, axes, scale]
}

extension GraphMatcher {
  /// Exporters compute x − mean(x) once or twice.
  fileprivate func isDeviation(_ a: ValueID, of x: ValueID, _ average: ValueID, sameAs b: ValueID) -> Bool {
    if a == b { return true }
    guard let (_, y, other) = binary(a, .sub), y == x else { return false }
    return other == average || mean(other)?.node.inputs[0] == x
  }
}
