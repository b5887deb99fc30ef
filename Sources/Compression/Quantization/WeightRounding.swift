internal import Basic
internal import IR
internal import Foundation
internal import Ops

/// Chooses the stored numbers of every weight, layer after layer on what earlier layers have become.
struct WeightRounding {
  /// What came out.
  struct Result {
    var stored: [ValueID: (parameters: QuantizationParameters, values: [Float])] = [:]
    var biases: [ValueID: Constant] = [:]
    var records: [StageRecord] = []
    /// Patterns of weights that lost some.
    var sparsity: [ValueID: Encoding.Sparsity] = [:]

    /// The graph with the patterns in the types of its weights.
    func sparse(_ graph: Graph) -> Graph {
      guard !sparsity.isEmpty else { return graph }
      var rewriter = Rewriter(graph)
      for value in sparsity.keys.sorted() {
        guard var type = graph.tensorType(value), let pattern = sparsity[value] else { continue }
        type.encoding.sparsity = pattern
        rewriter.setType(.tensor(type), of: value)
      }
      return rewriter.finish()
    }
  }

  let graph: Graph
  let layers: [QuantizedLayer]
  let stage: QuantizeStage
  /// Entries of the tables in the target's weight decoder; 0 without one.
  let palette: Int

  func run(
    _ batches: [[Datum?]], _ activations: [ValueID: QuantizationParameters], _ exact: (targets: BiasTargets, means: ChannelMeans)?,
    _ context: CompressionContext
  ) throws(Failure) -> Result {
    var result = Result()
    guard exact != nil || stage.method == .gptq else {
      for (index, layer) in layers.enumerated() {
        try round(layer, inputs: nil, &result)
        context.progress("quantize", Double(index + 1) / Double(layers.count))
      }
      return result
    }
    let byNode = Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) })
    let sweep = LayerwiseSweep(graph, batches: batches, runsOriginal: false) { value, tensor in
      guard let parameters = activations[value], !parameters.scheme.isDynamic else { return tensor }
      return parameters.restored(tensor)
    }
    _ = try sweep.run(
      progress: { context.progress("quantize", $0) }
    ) { layer throws(Failure) in
      var changes: [ValueID: Constant] = [:]
      if let found = byNode[layer.id], let weight = found.weight {
        if result.stored[weight.value] == nil { try round(found, inputs: layer.workingInput(0), &result) }
        if let stored = result.stored[weight.value], let shape = graph.tensorType(weight.value)?.constantShape {
          changes[weight.value] = Constant(Tensor(shape, floats: stored.values))
        }
      }
      return changes
    } finish: { layer, found throws(Failure) in
      guard let exact, let target = exact.targets[layer.id], let corrected = correct(layer, target, exact.means, &found) else { return [:] }
      result.biases[target.bias] = corrected
      return [target.bias: corrected]
    }
    return result
  }

  /// The weight on its grid, by the stage's method.
  private func grid(
    _ node: NodeID, _ tensor: Tensor, _ values: [Float], _ scheme: QuantizationScheme, _ clipping: WeightClipping, _ inputs: [Tensor]?
  ) throws(Failure) -> ReconstructedRounding.Outcome {
    if stage.method == .gptq, scheme.hasScale, let inputs {
      let sweep = ReconstructedRounding(graph: graph, damping: stage.damping, pattern: stage.sparsity)
      if let found = try sweep.run(node, tensor, inputs: inputs, scheme: scheme, clipping: clipping) { return found }
    }
    let parameters = QuantizationParameters.forWeight(values, shape: tensor.shape, scheme, clipping)
    return .init(parameters: parameters, values: parameters.restored(values, shape: tensor.shape))
  }

  /// Rounds one weight and notes how far it moved.
  private func round(_ layer: QuantizedLayer, inputs: [Tensor]?, _ result: inout Result) throws(Failure) {
    guard let weight = layer.weight, result.stored[weight.value] == nil else { return }
    let name = graph[layer.node].name
    guard let constant = graph.constant(weight.value), let tensor = Tensor(constant), case .float32(let values) = tensor.elements else {
      throw Failure(
        "node '\(name)': the values of '\(graph[weight.value].name)' are not at hand", fix: "compress a model file that holds its weights")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw Failure("node '\(name)': weight '\(graph[weight.value].name)' holds \(values[bad]) at element \(bad)")
    }
    let outcome = try grid(layer.node, tensor, values, weight.scheme, weight.clipping, inputs)
    let restored = outcome.values
    result.stored[weight.value] = (outcome.parameters, restored)
    result.sparsity[weight.value] = outcome.sparsity
    var (signal, noise) = (0.0, 0.0)
    for (a, b) in zip(values, restored) {
      signal += Double(a) * Double(a)
      noise += Double(a - b) * Double(a - b)
    }
    result.records.append(
      StageRecord(
        stage: QuantizeStage.schema.name, layer: name,
        action: "weights \(weight.scheme.title)" + (outcome.sparsity == nil ? "" : " \(stage.sparsity?.description ?? "")"),
        figures: [.init("weight_sqnr_db", decibels(signal, noise)), .init("elements", Double(values.count))],
        reason: outcome.obstacle
          ?? decoding(outcome, weight.scheme)))
  }

  /// Where the numbers of a codebook are looked up, and in how many bits machines read them.
  private func decoding(_ outcome: ReconstructedRounding.Outcome, _ scheme: QuantizationScheme) -> String? {
    guard let bits = scheme.codebookBits else { return nil }
    let numbers = outcome.parameters.codebooks.reduce(0) { $0 + $1.levels.count }
    guard palette < numbers else { return "read in \(bits) bits: the target's decoder has tables of \(palette)" }
    return "decoded ahead to \(scheme.bits) bits: "
      + (palette > 0 ? "the target's decoder has tables of \(palette)" : "no decoder behind the memory")
  }

  /// The bias minus the mean error of the layer's results per channel, and the results with it; nil when there is nothing to compare.
  private func correct(
    _ layer: LayerwiseSweep.Layer, _ target: BiasTargets.Target, _ exact: ChannelMeans, _ results: inout [[Datum]]
  ) -> Constant? {
    guard let old = graph.constant(target.bias).flatMap({ Tensor($0) }), case .float32(var bias) = old.elements,
      let output = layer.node.outputs.first, let wanted = exact.means(of: output), wanted.count == bias.count
    else { return nil }
    let working = ChannelMeans(graph, layer.id, target)
    for result in results { if let tensor = result.first?.tensor { working.add(tensor, of: output) } }
    guard let found = working.means(of: output) else { return nil }
    let shift = zip(wanted, found).map { $0 - $1 }
    for index in results.indices {
      if let tensor = results[index].first?.tensor { results[index][0] = .tensor(ChannelMeans.shifted(tensor, by: shift, target)) }
    }
    for channel in bias.indices { bias[channel] += Float(shift[channel]) / target.factor }
    return Constant(Tensor(old.shape, floats: bias))
  }
}

/// 10·log10(signal/noise), 200 dB at most so that it stays a number.
package func decibels(_ signal: Double, _ noise: Double) -> Double {
  guard noise > 0, signal > 0 else { return noise > 0 ? -200 : 200 }
  return min(200, 10 * log10(signal / noise))
}
