internal import Basic
internal import IR
internal import Ops

/// ½·x·(1 + erf(x/√2)), with the half anywhere among the factors, its tanh form, or x·sigmoid(1.702·x): GELU.
let recognizeGelu = recognizer(
  "recognize-gelu", "½·x·(1 + erf(x/√2)), the tanh form and x·sigmoid(α·x) become GELU.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], conditions: GeluCondition.all
) { match, id throws(NearMiss) in
  try match.gelu(id, forms: [.erf, .tanh, .logistic])
}

/// What GELU recognisers can name as a near miss.
enum GeluCondition {
  static let argument = "the error function is not taken of the gated tensor"
  static let slope = "the argument of the error function is not x/√2"
  static let half = "the product is not halved"
  static let all = [argument, slope, half]
}

extension GraphMatcher {
  /// A GELU in one of the given forms that ends at a node.
  func gelu(_ id: NodeID, forms: [Gelu.Form]) throws(NearMiss) -> Recognition? {
    let result = graph[id].outputs[0]
    guard let root = graph[id].operation(as: BinaryElementwise.self), root.function == .mul || root.function == .div else { return nil }
    if forms.contains(.logistic), let found = logisticGelu(result) { return found }
    let (factors, nodes, constant) = product(result)
    guard factors.count == 2 else { return nil }
    for (x, gate) in [(factors[0], factors[1]), (factors[1], factors[0])] {
      guard let (add, inner, one) = withScalar(gate, .add), near(one, 1) else { continue }
      let found: (form: Gelu.Form, covers: [NodeID])
      if forms.contains(.erf), let (erf, argument) = unary(inner, .erf) {
        found = (.erf, try errorFunction(argument, of: x, nodes + [add, erf]))
      } else if forms.contains(.tanh), let (tanh, argument) = unary(inner, .tanh), let covered = tanhArgument(argument, of: x) {
        found = (.tanh, nodes + [add, tanh] + covered)
      } else {
        continue
      }
      guard near(constant, 0.5) else {
        // A smaller product inside a longer one ends in the same gate.
        if continuesProduct(result) { return nil }
        throw NearMiss(GeluCondition.half, found: "\(constant)", found.covers)
      }
      return Recognition(operation: Gelu(found.form), inputs: [x], result: result, covers: found.covers)
    }
    return nil
  }

  /// The nodes of x/√2 and what was found so far.
  private func errorFunction(_ argument: ValueID, of x: ValueID, _ covers: [NodeID]) throws(NearMiss) -> [NodeID] {
    guard let (scale, y, factor) = scaled(argument), y == x else { throw NearMiss(GeluCondition.argument, covers) }
    guard near(factor, 0.5.squareRoot()) else { throw NearMiss(GeluCondition.slope, found: "x·\(factor)", covers) }
    return covers + [scale]
  }

  /// x·sigmoid(α·x).
  fileprivate func logisticGelu(_ result: ValueID) -> Recognition? {
    guard let pair = binary(result, .mul) else { return nil }
    for (x, gate) in eitherOrder(pair) {
      if let (sigmoid, argument) = unary(gate, .sigmoid), let (scale, y, alpha) = scaled(argument), y == x {
        return Recognition(
          operation: Gelu(.logistic, alpha: Float(alpha)), inputs: [x], result: result, covers: [pair.id, sigmoid, scale])
      }
    }
    return nil
  }

  /// The value's only reader multiplies further: the whole product is looked at there.
  fileprivate func continuesProduct(_ value: ValueID) -> Bool {
    guard let reader = readers.sole(value), let op = graph[reader].operation as? BinaryElementwise else { return false }
    return op.function == .mul || op.function == .div
  }

  /// √(2/π)·x·(1 + 0.044715·x²): the nodes.
  private func tanhFactors(_ value: ValueID, of x: ValueID) -> [NodeID]? {
    let (factors, nodes, constant) = product(value)
    guard factors.count == 2, factors.contains(x), near(constant, (2 / Double.pi).squareRoot()),
      let bent = factors.first(where: { $0 != x }), let (add, inner, one) = withScalar(bent, .add), one == 1
    else { return nil }
    let (squared, inside, coefficient) = product(inner)
    if squared == [x, x], near(coefficient, 0.044715) { return nodes + [add] + inside }
    guard let (scale, power, factor) = scaled(inner), near(factor, 0.044715), let (square, base) = self.square(power), base == x else {
      return nil
    }
    return nodes + [add, scale, square]
  }

  /// √(2/π)·(x + 0.044715·x³), or √(2/π)·x·(1 + 0.044715·x²): the nodes, when it is that function of x.
  fileprivate func tanhArgument(_ value: ValueID, of x: ValueID) -> [NodeID]? {
    if let covers = tanhFactors(value, of: x) { return covers }
    guard let (scale, sum, factor) = scaled(value), near(factor, (2 / Double.pi).squareRoot()), let pair = binary(sum, .add) else {
      return nil
    }
    for (a, b) in eitherOrder(pair) where a == x {
      guard let (cubeScale, cube, coefficient) = scaled(b), near(coefficient, 0.044715) else { continue }
      if let (power, base, exponent) = withScalar(cube, .pow), base == x, exponent == 3 { return [scale, pair.id, cubeScale, power] }
      let (factors, nodes, one) = product(cube)
      if factors == [x, x, x], one == 1 { return [scale, pair.id, cubeScale] + nodes }
    }
    return nil
  }
}
