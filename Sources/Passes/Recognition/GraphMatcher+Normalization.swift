internal import IR
internal import Ops

/// (x − mean(x))/√(variance + ε), as far as it was found.
struct Standardization {
  var x: ValueID
  /// The mean's axes, from the first on.
  var axes: [Int]?
  /// The variance's; nil where the number under the root is none.
  var varianceAxes: [Int]?
  var epsilon: Double?
  var covers: [NodeID]
}

/// What the normalisations have in common.
extension GraphMatcher {
  /// a/b, or a·(1/b).
  func quotient(_ value: ValueID) -> (numerator: ValueID, denominator: ValueID, nodes: [NodeID])? {
    if let (id, a, b) = binary(value, .div) { return (a, b, [id]) }
    guard let pair = binary(value, .mul) else { return nil }
    for (a, b) in eitherOrder(pair) {
      if let (reciprocal, inner) = unary(b, .reciprocal) { return (a, inner, [pair.id, reciprocal]) }
      if let (divide, one, inner) = binary(b, .div), scalar(one) == 1 { return (a, inner, [pair.id, divide]) }
    }
    return nil
  }

  /// a/√b, or a·b^−½.
  func overRoot(_ value: ValueID) -> (numerator: ValueID, radicand: ValueID, nodes: [NodeID])? {
    if let quotient = quotient(value) {
      if let (root, inside) = unary(quotient.denominator, .sqrt) { return (quotient.numerator, inside, quotient.nodes + [root]) }
      guard let (power, inside, exponent) = withScalar(quotient.denominator, .pow), exponent == 0.5 else { return nil }
      return (quotient.numerator, inside, quotient.nodes + [power])
    }
    guard let pair = binary(value, .mul) else { return nil }
    for (a, b) in eitherOrder(pair) {
      if let (power, inside, exponent) = withScalar(b, .pow), exponent == -0.5 { return (a, inside, [pair.id, power]) }
    }
    return nil
  }

  /// A deviation from a mean over a root.
  func standardization(_ value: ValueID) -> Standardization? {
    guard let quotient = overRoot(value), let (subtract, x, average) = binary(quotient.numerator, .sub),
      let (meanNode, mean) = mean(average), meanNode.inputs[0] == x
    else { return nil }
    var found = Standardization(x: x, axes: axes(of: meanNode), covers: quotient.nodes + [subtract] + mean)
    guard let (addEpsilon, variance, epsilon) = withScalar(quotient.radicand, .add) else { return found }
    found.epsilon = epsilon
    found.covers.append(addEpsilon)
    guard let (varianceNode, varianceMean) = self.mean(variance), let squared = varianceNode.inputs[0],
      let (square, base) = square(squared), isDeviation(base, of: x, average, sameAs: quotient.numerator)
    else { return found }
    found.varianceAxes = axes(of: varianceNode)
    found.covers += varianceMean + [square]
    if let other = graph.producer(base), other != subtract { found.covers.append(other) }
    return found
  }

  /// Exporters compute x − mean(x) once or twice.
  private func isDeviation(_ a: ValueID, of x: ValueID, _ average: ValueID, sameAs b: ValueID) -> Bool {
    if a == b { return true }
    guard let (_, y, other) = binary(a, .sub), y == x else { return false }
    return other == average || mean(other)?.node.inputs[0] == x
  }

  /// A mean that keeps its axes, at once or because they are put back behind it.
  func mean(_ value: ValueID?) -> (node: Node, nodes: [NodeID])? {
    if let (id, op, node) = made(value, by: Reduce.self) { return op.function == .mean ? (node, [id]) : nil }
    guard let (view, _, unsqueeze) = made(value, by: Unsqueeze.self), let (id, op, node) = made(unsqueeze.inputs[0], by: Reduce.self),
      op.function == .mean, let axes = axes(of: node), let rank = graph.tensorType(value)?.rank,
      let added = unsqueeze.inputs[1].flatMap({ graph.constant($0)?.shapeContents?.compactMap(\.constant) }),
      added.map({ $0 < 0 ? $0 + rank : $0 }).sorted() == axes
    else { return nil }
    return (node, [view, id])
  }

  /// x² as a power or a product.
  func square(_ value: ValueID) -> (id: NodeID, x: ValueID)? {
    if let (id, x, exponent) = withScalar(value, .pow), exponent == 2 { return (id, x) }
    if let (id, a, b) = binary(value, .mul), a == b { return (id, a) }
    return nil
  }

  /// Follows ·γ and + β, constants of the normalised shape, as far as they are the only readers.
  func affineTail(
    _ result: inout ValueID, _ covers: inout [NodeID], shape: [Dimension], takesBias: Bool
  ) -> (scale: ValueID?, bias: ValueID?) {
    guard let (multiply, scale) = soleReader(of: result, .mul, shape) else { return (nil, nil) }
    covers.append(multiply)
    result = graph[multiply].outputs[0]
    guard takesBias, let (add, bias) = soleReader(of: result, .add, shape) else { return (scale, nil) }
    covers.append(add)
    result = graph[add].outputs[0]
    return (scale, bias)
  }

  /// The only reader of a value when it combines it with a constant of the wanted shape.
  private func soleReader(
    of value: ValueID, _ function: BinaryElementwise.Function, _ shape: [Dimension]
  ) -> (NodeID, ValueID)? {
    guard let reader = readers.sole(value), let (id, a, b) = binary(graph[reader].outputs[0], function) else { return nil }
    let other = a == value ? b : a
    guard graph.constant(other)?.type.shape == shape else { return nil }
    return (id, other)
  }

  /// The scale of a normalisation without one.
  func ones(like type: TensorType, from axis: Int) -> Constant? {
    guard let shape = TensorType(type.element, Array(type.shape[axis...])).constantShape, let count = shape.checkedProduct,
      count <= 1 << 20
    else { return nil }
    return Constant(Tensor(type.element, shape, rounding: [Double](repeating: 1, count: count)))
  }
}
