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
  }

  let graph: Graph
  let layers: [QuantizedLayer]
  let stage: QuantizeStage

  func run(
    _ batches: [[Datum?]], _ activations: [ValueID: QuantizationParameters], _ context: CompressionContext
  ) throws(Failure) -> Result {
    var result = Result()
    guard stage.correctsBias || stage.method == .gptq else {
      for (index, layer) in layers.enumerated() {
        try round(layer, inputs: nil, &result)
        context.progress("quantize", Double(index + 1) / Double(layers.count))
      }
      return result
    }
    let byNode = Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) })
    let biases = BiasTargets(graph, layers)
    let sweep = LayerwiseSweep(graph, batches: batches) { value, tensor in
      guard let parameters = activations[value], !parameters.scheme.isDynamic else { return tensor }
      return parameters.restored(tensor)
    }
    _ = try sweep.run(progress: { context.progress("quantize", $0) }) { layer throws(Failure) in
      var changes: [ValueID: Constant] = [:]
      if let found = byNode[layer.id], let weight = found.weight {
        if result.stored[weight.value] == nil { try round(found, inputs: layer.workingInput(0), &result) }
        if let stored = result.stored[weight.value], let shape = graph.tensorType(weight.value)?.constantShape {
          changes[weight.value] = Constant(Tensor(shape, floats: stored.values))
        }
      }
      if stage.correctsBias, let target = biases[layer.id], let corrected = try correct(layer, target, changes) {
        changes[target.bias] = corrected
        result.biases[target.bias] = corrected
      }
      return changes
    }
    return result
  }

  /// The weight on its grid, by the stage's method.
  private func grid(
    _ node: NodeID, _ tensor: Tensor, _ values: [Float], _ scheme: QuantizationScheme, _ clipping: WeightClipping, _ inputs: [Tensor]?
  ) throws(Failure) -> (parameters: QuantizationParameters, values: [Float]) {
    if stage.method == .gptq, scheme.hasScale, let inputs {
      let sweep = ReconstructedRounding(graph: graph, damping: stage.damping)
      if let found = try sweep.run(node, tensor, inputs: inputs, scheme: scheme, clipping: clipping) { return found }
    }
    let parameters = QuantizationParameters.forWeight(values, shape: tensor.shape, scheme, clipping)
    return (parameters, parameters.restored(values, shape: tensor.shape))
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
    let (parameters, restored) = try grid(layer.node, tensor, values, weight.scheme, weight.clipping, inputs)
    result.stored[weight.value] = (parameters, restored)
    var (signal, noise) = (0.0, 0.0)
    for (a, b) in zip(values, restored) {
      signal += Double(a) * Double(a)
      noise += Double(a - b) * Double(a - b)
    }
    result.records.append(
      StageRecord(
        stage: QuantizeStage.schema.name, layer: name, action: "weights \(weight.scheme.title)",
        figures: [.init("weight_sqnr_db", decibels(signal, noise)), .init("elements", Double(values.count))]))
  }

  /// The bias minus the mean error of the layer's result per channel; nil when nothing is wrong with it.
  private func correct(
    _ layer: LayerwiseSweep.Layer, _ target: BiasTargets.Target, _ changes: [ValueID: Constant]
  ) throws(Failure) -> Constant? {
    guard let old = graph.constant(target.bias).flatMap({ Tensor($0) }), case .float32(var bias) = old.elements else { return nil }
    var errors = [Double](repeating: 0, count: bias.count)
    var count = 0.0
    for (exactInputs, workingInputs) in zip(layer.reference, layer.working) {
      var inputs = workingInputs
      for (index, input) in layer.node.inputs.enumerated() {
        if let input, let constant = changes[input], let tensor = Tensor(constant) { inputs[index] = .tensor(tensor) }
      }
      guard let exact = try evaluateNode(layer.node, exactInputs).first?.tensor,
        let working = try evaluateNode(layer.node, inputs).first?.tensor,
        case .float32(let a) = exact.elements, case .float32(let b) = working.elements, a.count == b.count, !a.isEmpty
      else { return nil }
      let inner = target.channelAxis == 1 ? exact.shape.dropFirst(2).reduce(1, *) : 1
      for index in a.indices { errors[index / inner % bias.count] += Double(a[index] - b[index]) }
      count += Double(a.count / bias.count)
    }
    for channel in bias.indices { bias[channel] += Float(errors[channel] / count) / target.factor }
    return Constant(Tensor(old.shape, floats: bias))
  }
}

/// 10·log10(signal/noise), 200 dB at most so that it stays a number.
package func decibels(_ signal: Double, _ noise: Double) -> Double {
  guard noise > 0, signal > 0 else { return noise > 0 ? -200 : 200 }
  return min(200, 10 * log10(signal / noise))
}
