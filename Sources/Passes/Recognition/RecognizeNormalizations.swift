internal import Basic
internal import IR
internal import Ops

/// (x − mean(x))/√(mean((x − mean(x))²) + ε), then optionally ·γ and + β: layer normalisation over the trailing axes.
let recognizeLayerNormalization = recognizer(
  "recognize-layer-normalization", "Mean, deviation, variance, root and quotient become layer normalisation."
) { match, id in
  var result = match.graph[id].outputs[0]
  guard let quotient = match.quotient(result), let (subtract, x, average) = match.binary(quotient.numerator, .sub),
    let (mean, op, meanNode) = match.made(average, by: Reduce.self), op.function == .mean, meanNode.inputs[0] == x,
    let (root, inside) = match.unary(quotient.denominator, .sqrt), let (addEpsilon, variance, epsilon) = match.withScalar(inside, .add),
    let (varianceMean, varianceOp, varianceNode) = match.made(variance, by: Reduce.self), varianceOp.function == .mean,
    let squared = varianceNode.inputs[0], let (square, base) = match.square(squared),
    match.isSame(base, quotient.numerator, deviationOf: x, average),
    let axes = match.axes(of: meanNode), axes == match.axes(of: varianceNode), let type = match.graph.tensorType(x),
    let first = axes.first, axes == Array(first..<type.rank)
  else { return nil }
  var covers = quotient.nodes + [subtract, mean, root, addEpsilon, varianceMean, square]
  if let other = match.graph.producer(base), other != subtract { covers.append(other) }
  let (scale, bias) = match.affineTail(&result, &covers, shape: Array(type.shape[first...]))
  guard let scale else { return nil }
  return Recognition(
    operation: LayerNormalization(axis: first - type.rank, epsilon: Float(epsilon)), inputs: bias.map { [x, scale, $0] } ?? [x, scale],
    result: result, covers: covers)
}

/// x/√(mean(x²) + ε)·γ, with a reciprocal or a quotient: root-mean-square normalisation.
let recognizeRMSNormalization = recognizer(
  "recognize-rms-normalization", "x·(mean(x²) + ε)^−½·γ becomes root-mean-square normalisation."
) { match, id in
  var result = match.graph[id].outputs[0]
  guard let quotient = match.quotient(result), let (root, inside) = match.unary(quotient.denominator, .sqrt),
    let (addEpsilon, variance, epsilon) = match.withScalar(inside, .add),
    let (mean, op, node) = match.made(variance, by: Reduce.self), op.function == .mean, let squared = node.inputs[0],
    let (square, x) = match.square(squared), x == quotient.numerator, let type = match.graph.tensorType(x),
    let axes = match.axes(of: node), let first = axes.first, axes == Array(first..<type.rank)
  else { return nil }
  var covers = quotient.nodes + [root, addEpsilon, mean, square]
  let (scale, _) = match.affineTail(&result, &covers, shape: Array(type.shape[first...]), takesBias: .no)
  guard let scale else { return nil }
  return Recognition(
    operation: RootMeanSquareNormalization(axis: first - type.rank, epsilon: Float(epsilon)), inputs: [x, scale], result: result,
    covers: covers)
}

private enum TakesBias { case yes, no }

extension GraphMatcher {
  /// a/b, or a·(1/b).
  fileprivate func quotient(_ value: ValueID) -> (numerator: ValueID, denominator: ValueID, nodes: [NodeID])? {
    if let (id, a, b) = binary(value, .div) { return (a, b, [id]) }
    guard let pair = binary(value, .mul) else { return nil }
    for (a, b) in eitherOrder(pair) {
      if let (reciprocal, inner) = unary(b, .reciprocal) { return (a, inner, [pair.id, reciprocal]) }
      if let (divide, one, inner) = binary(b, .div), scalar(one) == 1 { return (a, inner, [pair.id, divide]) }
    }
    return nil
  }

  /// x² as a power or a product.
  fileprivate func square(_ value: ValueID) -> (id: NodeID, x: ValueID)? {
    if let (id, x, exponent) = withScalar(value, .pow), exponent == 2 { return (id, x) }
    if let (id, a, b) = binary(value, .mul), a == b { return (id, a) }
    return nil
  }

  /// Exporters compute x − mean(x) once or twice.
  fileprivate func isSame(_ a: ValueID, _ b: ValueID, deviationOf x: ValueID, _ average: ValueID) -> Bool {
    if a == b { return true }
    guard let (_, y, other) = binary(a, .sub), y == x else { return false }
    return other == average || made(other, by: Reduce.self).map { $0.op.function == .mean && $0.node.inputs[0] == x } == true
  }

  /// Follows ·γ and + β, constants of the normalised shape, as far as they are the only readers.
  fileprivate func affineTail(
    _ result: inout ValueID, _ covers: inout [NodeID], shape: [Dimension], takesBias: TakesBias = .yes
  ) -> (scale: ValueID?, bias: ValueID?) {
    guard let (multiply, scale) = soleReader(of: result, .mul, shape) else { return (nil, nil) }
    covers.append(multiply)
    result = graph[multiply].outputs[0]
    guard takesBias == .yes, let (add, bias) = soleReader(of: result, .add, shape) else { return (scale, nil) }
    covers.append(add)
    result = graph[add].outputs[0]
    return (scale, bias)
  }

  /// The only reader of a value when it combines it with a constant of the wanted shape.
  private func soleReader(of value: ValueID, _ function: BinaryElementwise.Function, _ shape: [Dimension]) -> (NodeID, ValueID)? {
    guard let reader = readers.sole(value), let (id, a, b) = binary(graph[reader].outputs[0], function) else { return nil }
    let other = a == value ? b : a
    guard graph.constant(other) != nil, graph.tensorType(other)?.shape == shape else { return nil }
    return (id, other)
  }
}
