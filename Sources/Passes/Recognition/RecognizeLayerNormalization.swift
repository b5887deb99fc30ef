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
  guard let found = match.standardization(result) else {
    if let nodes = match.divisionByDeviation(result) { throw NearMiss(Condition.behind, nodes) }
    return nil
  }
  var covers = found.covers
  guard let epsilon = found.epsilon else { throw NearMiss(Condition.epsilon, covers) }
  guard let varianceAxes = found.varianceAxes else { throw NearMiss(Condition.variance, covers) }
  // Other axes have an operator of their own.
  if let axes = found.axes, axes == varianceAxes, axes.last.map({ $0 + 1 }) != match.graph.tensorType(found.x)?.rank { return nil }
  guard let axes = found.axes, axes == varianceAxes, let type = match.graph.tensorType(found.x), let first = axes.first,
    axes == Array(first..<type.rank)
  else { throw NearMiss(Condition.axes, found: "axes \(found.axes ?? [])", covers) }
  let tail = match.affineTail(&result, &covers, shape: Array(type.shape[first...]), takesBias: true)
  let ones = tail.scale == nil ? match.ones(like: type, from: first) : nil
  guard tail.scale != nil || ones != nil else { throw NearMiss(Condition.scale, covers) }
  return Recognition(
    operation: LayerNormalization(axis: first - type.rank, epsilon: Float(epsilon)),
    inputs: [found.x, tail.scale] + (tail.bias.map { [$0] } ?? []), result: result, covers: covers,
    preparations: ones.map { [.constant(input: 1, $0)] } ?? [])
}

private enum Condition {
  static let epsilon = "the number under the root is not a variance plus a constant ε"
  static let variance = "the number under the root is not the mean of the squared deviations"
  static let axes = "mean and variance do not run over the same trailing axes"
  static let scale = "no scale of the normalised shape follows and the shape is not known"
  static let behind = "ε is added to the root of the variance, not to the variance"
  static let all = [epsilon, variance, axes, scale, behind]
}

extension GraphMatcher {
  /// (x − mean(x))·γ/(√variance + ε), with or without γ.
  fileprivate func divisionByDeviation(_ value: ValueID) -> [NodeID]? {
    guard let quotient = quotient(value), let (add, deviation, _) = withScalar(quotient.denominator, .add),
      let (root, _) = unary(deviation, .sqrt)
    else { return nil }
    let pair = binary(quotient.numerator, .mul)
    for numerator in pair.map({ [$0.a, $0.b] }) ?? [quotient.numerator] {
      guard let (subtract, x, average) = binary(numerator, .sub), let (meanNode, mean) = mean(average), meanNode.inputs[0] == x else {
        continue
      }
      return quotient.nodes + [add, root, subtract] + (pair.map { [$0.id] } ?? []) + mean
    }
    return nil
  }
}
