internal import Basic
internal import IR
internal import Ops

/// Moves an inference batch normalisation into the weights of the convolution before it.
///
/// With s = scale/√(variance + ε): w' = w·s per filter, b' = (b − mean)·s + bias. The convolution must have no other reader.
/// In a structural run the new weights have a type and no values.
let foldBatchNormalization = GraphPass(
  "fold-batch-normalization", "Batch normalisation after a convolution moves into its weights.", preserves: .values(relative: 1e-4)
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder() {
    let node = rewriter.graph[id]
    guard let norm = node.operation as? BatchNormalization, !norm.isTraining, node.inputs.count == 5, node.outputs.count == 1,
      let x = node.inputs[0], let (producer, convolution) = rewriter.graph.producer(x, as: Convolve.self),
      convolution.layout != .channelsLast
    else { continue }
    let names = rewriter.graph[producer].origin.names + node.origin.names
    guard rewriter.soleUser(of: x) != nil else {
      context.ledger.miss("fold-batch-normalization", names, "the convolution has other readers")
      continue
    }
    let conv = rewriter.graph[producer]
    let graph = rewriter.graph
    guard let weight = graph.constant(conv.inputs[1]), node.inputs.dropFirst().allSatisfy({ graph.constant($0) != nil }),
      conv.inputs.count < 3 || conv.inputs[2] == nil || graph.constant(conv.inputs[2]) != nil
    else {
      context.ledger.miss("fold-batch-normalization", names, "weights or statistics are not constants")
      continue
    }
    let parameters = (conv.inputs.count > 2 ? [conv.inputs[2]] : [nil]) + node.inputs.dropFirst()
    guard let folded = fold(weight, parameters.map { graph.constant($0) }, epsilon: Double(norm.epsilon), context.values) else {
      context.ledger.miss("fold-batch-normalization", names, "the values of the weights are not at hand")
      continue
    }
    let newWeight = rewriter.addConstant(folded.weight, name: graph[conv.inputs[1] ?? x].name)
    let newBias = rewriter.addConstant(folded.bias, name: "\(conv.name).bias")
    let fused = rewriter.addNode(
      conv.operation, [conv.inputs[0], newWeight, newBias], types: [graph[node.outputs[0]].type], name: conv.name, origin: conv.origin,
      outputNames: [graph[node.outputs[0]].name])
    rewriter.replaceUses(of: node.outputs[0], with: rewriter.graph[fused].outputs[0])
    rewriter.erase(id, reason: "folded into the convolution", heir: fused)
    rewriter.erase(producer, reason: "folded into the convolution", heir: fused)
    context.ledger.apply("fold-batch-normalization", names)
    context.count("batch-normalization")
  }
  rewriter.eraseDeadConstants()
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
