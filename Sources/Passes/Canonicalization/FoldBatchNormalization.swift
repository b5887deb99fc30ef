internal import Basic
internal import IR
internal import Ops

/// Moves an inference batch normalisation into the weights of the convolution before it.
///
/// With s = scale/√(variance + ε): w' = w·s per filter, b' = (b − mean)·s + bias. The convolution must have no other reader.
/// In a structural run the new weights have a type and no values.
let foldBatchNormalization = GraphPass(
  "fold-batch-normalization", "Batch normalisation after a convolution moves into its weights.", preserves: .values(relative: 1e-4),
  conditions: Condition.all
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [BatchNormalization.self]) {
    let plan: Plan
    do throws(NearMiss) {
      guard let found = try Plan(id, rewriter, context.values) else { continue }
      plan = found
    } catch {
      context.ledger.miss("fold-batch-normalization", rewriter.graph.originNames(of: error.nodes), error.reason)
      continue
    }
    let names = rewriter.graph.originNames(of: [plan.producer, id])
    let weight = rewriter.addConstant(plan.weight, name: plan.weightName)
    let bias = rewriter.addConstant(plan.bias, name: "\(plan.convolution.name).bias")
    let fused = rewriter.addNode(
      plan.convolution.operation, [plan.convolution.inputs[0], weight, bias], types: [plan.result.type], name: plan.convolution.name,
      origin: plan.convolution.origin, outputNames: [plan.result.name])
    rewriter.replaceUses(of: rewriter.graph[id].outputs[0], with: rewriter.graph[fused].outputs[0])
    rewriter.erase(id, reason: "folded into the convolution", heir: fused)
    rewriter.erase(plan.producer, reason: "folded into the convolution", heir: fused)
    context.ledger.apply("fold-batch-normalization", names)
    context.count("batch-normalization")
  }
  rewriter.eraseDeadConstants()
}

private enum Condition {
  static let shared = "the convolution has other readers"
  static let constants = "weights or statistics are not constants"
  static let values = "the values of the weights are not at hand"
  static let all = [shared, constants, values]
}

/// Everything the edit needs, gathered before it: a graph that is looked at while it changes would be copied whole.
private struct Plan {
  var producer: NodeID
  var convolution: Node
  var weight: Constant
  var weightName: String
  var bias: Constant
  var result: (type: ValueType, name: String)

  init?(_ id: NodeID, _ rewriter: borrowing Rewriter, _ values: PassContext.Values) throws(NearMiss) {
    let graph = rewriter.graph
    let node = graph[id]
    guard let norm = node.operation as? BatchNormalization, !norm.isTraining, node.inputs.count == 5, node.outputs.count == 1,
      let x = node.inputs[0], let (producer, operation) = graph.producer(x, as: Convolve.self), operation.layout != .channelsLast
    else { return nil }
    guard rewriter.soleUser(of: x) != nil else { throw NearMiss(Condition.shared, [producer, id]) }
    let inputs = graph[producer].inputs
    guard let old = graph.constant(inputs[1]), node.inputs.dropFirst().allSatisfy({ graph.constant($0) != nil }),
      inputs.count < 3 || inputs[2] == nil || graph.constant(inputs[2]) != nil
    else { throw NearMiss(Condition.constants, [producer, id]) }
    let parameters = (inputs.count > 2 ? [inputs[2]] : [nil]) + node.inputs.dropFirst()
    guard let folded = fold(old, parameters.map { graph.constant($0) }, epsilon: Double(norm.epsilon), values) else {
      throw NearMiss(Condition.values, [producer, id])
    }
    self.producer = producer
    convolution = graph[producer]
    (weight, bias) = folded
    weightName = inputs[1].map { graph[$0].name } ?? ""
    result = (graph[node.outputs[0]].type, graph[node.outputs[0]].name)
  }
}

/// New weight and bias; `parameters` are the old bias (or nil), scale, bias, mean and variance.
private func fold(
  _ weight: Constant, _ parameters: [Constant?], epsilon: Double, _ values: PassContext.Values
) -> (weight: Constant, bias: Constant)? {
  guard parameters.count == 5, let filters = weight.type.shape.first, let scaleType = parameters[1]?.type else { return nil }
  if values == .structural {
    return (Constant(weight.type, .absent), Constant(TensorType(scaleType.element, [filters]), .absent))
  }
  let vectors = parameters.map { $0.flatMap { Tensor($0) }.flatMap { try? $0.doubles() } }
  guard let w = Tensor(weight), var w64 = try? w.doubles(), let scale = vectors[1], let bias = vectors[2], let mean = vectors[3],
    let variance = vectors[4], let count = w.shape.first, count > 0, [scale, bias, mean, variance].allSatisfy({ $0.count == count })
  else { return nil }
  let old = vectors[0] ?? [Double](repeating: 0, count: count)
  let factors = zip(scale, variance).map { $0 / ($1 + epsilon).squareRoot() }
  let perFilter = w64.count / count
  for filter in 0..<count {
    for index in (filter * perFilter)..<((filter + 1) * perFilter) { w64[index] *= factors[filter] }
  }
  let newBias = (0..<count).map { (old[$0] - mean[$0]) * factors[$0] + bias[$0] }
  return (
    Constant(Tensor(w.element, w.shape, rounding: w64)), Constant(Tensor(scaleType.element, [count], rounding: newBias))
  )
}
