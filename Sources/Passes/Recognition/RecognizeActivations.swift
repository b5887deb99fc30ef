internal import Basic
internal import IR
internal import Ops

/// x·min(max(x + 3, 0), 6)/6, in any order of its factors, or x·hardSigmoid(x) with slope 1/6: hard-swish.
let recognizeHardSwish = recognizer("recognize-hard-swish", "x·clip(x + 3, 0, 6)/6 and x·hard-sigmoid(x) become hard-swish.") { match, id in
  let result = match.graph[id].outputs[0]
  // The division may come last, or on either factor.
  if let (divide, product, factor) = match.scaled(result), match.near(factor, 1.0 / 6), let pair = match.binary(product, .mul) {
    for (x, gate) in match.eitherOrder(pair) {
      if let (nodes, y) = match.shiftedClip(gate), y == x {
        return Recognition(operation: UnaryElementwise(.hardSwish), inputs: [x], result: result, covers: [divide, pair.id] + nodes)
      }
    }
  }
  guard let pair = match.binary(result, .mul) else { return nil }
  for (x, gate) in match.eitherOrder(pair) {
    if let (divide, clipped, factor) = match.scaled(gate), match.near(factor, 1.0 / 6), let (nodes, y) = match.shiftedClip(clipped), y == x
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

/// x·sigmoid(x): SiLU.
let recognizeSiLU = recognizer("recognize-silu", "x·sigmoid(x) becomes SiLU.") { match, id in
  let result = match.graph[id].outputs[0]
  guard let pair = match.binary(result, .mul) else { return nil }
  for (x, gate) in match.eitherOrder(pair) {
    if let (node, y) = match.unary(gate, .sigmoid), y == x {
      return Recognition(operation: UnaryElementwise(.silu), inputs: [x], result: result, covers: [pair.id, node])
    }
  }
  return nil
}

/// ½·x·(1 + erf(x/√2)), with the half anywhere among the factors: GELU.
let recognizeGelu = recognizer("recognize-gelu", "½·x·(1 + erf(x/√2)) and the tanh form become GELU.") { match, id in
  match.gelu(id, forms: [.erf, .tanh])
}

/// The erf form only: frameworks have one kernel for it, and spell the tanh form operation by operation.
let recognizeExactGelu = recognizer("recognize-exact-gelu", "½·x·(1 + erf(x/√2)) becomes GELU; the tanh form stays as it is.") {
  match, id in
  match.gelu(id, forms: [.erf])
}

extension GraphMatcher {
  fileprivate func gelu(_ id: NodeID, forms: Set<Gelu.Form>) -> Recognition? {
    let result = graph[id].outputs[0]
    let (factors, nodes, constant) = product(result)
    guard near(constant, 0.5), factors.count == 2 else { return nil }
    for (x, gate) in [(factors[0], factors[1]), (factors[1], factors[0])] {
      guard let (add, inner, one) = withScalar(gate, .add), near(one, 1) else { continue }
      if forms.contains(.erf), let (erf, argument) = unary(inner, .erf), let (scale, y, factor) = scaled(argument), y == x,
        near(factor, 0.5.squareRoot())
      {
        return Recognition(operation: Gelu(.erf), inputs: [x], result: result, covers: nodes + [add, erf, scale])
      }
      if forms.contains(.tanh), let (tanh, argument) = unary(inner, .tanh), let covered = tanhArgument(argument, of: x) {
        return Recognition(operation: Gelu(.tanh), inputs: [x], result: result, covers: nodes + [add, tanh] + covered)
      }
    }
    return nil
  }
}

extension GraphMatcher {
  /// clip(x + 3, 0, 6): its nodes and x.
  fileprivate func shiftedClip(_ value: ValueID) -> (nodes: [NodeID], x: ValueID)? {
    guard let (clip, _, node) = made(value, by: Clip.self), node.inputs.count == 3, scalar(node.inputs[1]) == 0,
      scalar(node.inputs[2]) == 6,
      let (add, x, shift) = withScalar(node.inputs[0], .add), near(shift, 3)
    else { return nil }
    return ([clip, add], x)
  }

  /// A tree of multiplications: the factors that are not numbers, the nodes, and the product of the numbers.
  fileprivate func product(_ value: ValueID) -> (factors: [ValueID], nodes: [NodeID], constant: Double) {
    var (factors, nodes, constant): ([ValueID], [NodeID], Double) = ([], [], 1)
    var worklist = [value]
    while let next = worklist.popLast(), nodes.count < 4 {
      if let (id, x, factor) = scaled(next) {
        nodes.append(id)
        constant *= factor
        worklist.append(x)
      } else if let (id, a, b) = binary(next, .mul) {
        nodes.append(id)
        worklist += [a, b]
      } else {
        factors.append(next)
      }
    }
    return (factors + worklist, nodes, constant)
  }

  /// √(2/π)·(x + 0.044715·x³): the nodes, when it is that function of x.
  fileprivate func tanhArgument(_ value: ValueID, of x: ValueID) -> [NodeID]? {
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
