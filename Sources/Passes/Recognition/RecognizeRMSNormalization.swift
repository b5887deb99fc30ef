internal import Basic
internal import IR
internal import Ops

/// x/√(mean(x²) + ε)·γ, with a reciprocal or a quotient: root-mean-square normalisation.
///
/// Casts to a wider float before the statistics and back after them belong to it: they are how exporters write that the
/// statistics are kept in float32.
let recognizeRMSNormalization = recognizer(
  "recognize-rms-normalization", "x·(mean(x²) + ε)^−½·γ becomes root-mean-square normalisation over the trailing axes.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], relative: 1e-4, form: .rmsNormalization, conditions: Condition.all
) { match, id throws(NearMiss) in
  var result = match.graph[id].outputs[0]
  guard let quotient = match.overRoot(result), let (addEpsilon, variance, epsilon) = match.withScalar(quotient.radicand, .add),
    let (node, mean) = match.mean(variance) ?? match.dividedSum(variance), let squared = node.inputs[0],
    let (square, base) = match.square(squared), match.scalar(quotient.numerator) == nil
  else { return nil }
  var covers = quotient.nodes + [addEpsilon] + mean + [square]
  guard base == quotient.numerator else {
    // The same shape of expression is half of a layer normalisation.
    if match.binary(base, .sub) != nil { return nil }
    throw NearMiss(Condition.numerator, covers)
  }
  guard var type = match.graph.tensorType(base), let axes = match.axes(of: node), let first = axes.first,
    axes == Array(first..<type.rank)
  else { throw NearMiss(Condition.axes, found: "axes \(match.axes(of: node) ?? [])", covers) }
  var x = base
  if let (cast, source) = match.widened(base), let narrowed = match.narrowed(result, to: match.graph.tensorType(source)) {
    covers += [cast, narrowed.id]
    result = narrowed.value
    x = source
    type = match.graph.tensorType(source) ?? type
  }
  let tail = match.affineTail(&result, &covers, shape: Array(type.shape[first...]), takesBias: false)
  let ones = tail.scale == nil ? match.ones(like: type, from: first) : nil
  guard tail.scale != nil || ones != nil else { throw NearMiss(Condition.scale, covers) }
  return Recognition(
    operation: RootMeanSquareNormalization(axis: first - type.rank, epsilon: Float(epsilon)), inputs: [x, tail.scale],
    result: result, covers: covers, preparations: ones.map { [.constant(input: 1, $0)] } ?? [])
}

private enum Condition {
  static let numerator = "the squared tensor is not the one that is divided"
  static let axes = "the mean does not run over the trailing axes"
  static let scale = "no scale of the normalised shape follows and the shape is not known"
  static let all = [numerator, axes, scale]
}

extension GraphMatcher {
  /// A sum divided by the number of its summands.
  fileprivate func dividedSum(_ value: ValueID) -> (node: Node, nodes: [NodeID])? {
    guard let (divide, sum, factor) = scaled(value), let (id, op, node) = made(sum, by: Reduce.self), op.function == .sum, op.keepsAxes,
      let axes = axes(of: node), let shape = graph.tensorType(node.inputs[0])?.shape
    else { return nil }
    let extents = axes.compactMap { shape[$0].constant }
    guard extents.count == axes.count, let count = extents.checkedProduct, abs(factor * Double(count) - 1) < 1e-6 else { return nil }
    return (node, [divide, id])
  }

  /// The source of a cast to a wider float.
  fileprivate func widened(_ value: ValueID) -> (id: NodeID, source: ValueID)? {
    guard let (id, _, node) = made(value, by: Cast.self), let source = node.inputs[0], let from = graph.tensorType(source)?.element,
      let to = graph.tensorType(value)?.element, from.isFloat, to.isFloat, from.bits < to.bits
    else { return nil }
    return (id, source)
  }

  /// The cast back to a type, when it is the value's only reader.
  fileprivate func narrowed(_ value: ValueID, to type: TensorType?) -> (id: NodeID, value: ValueID)? {
    guard let reader = readers.sole(value), graph[reader].operation is Cast,
      graph.tensorType(graph[reader].outputs[0])?.element == type?.element
    else { return nil }
    return (reader, graph[reader].outputs[0])
  }
}
