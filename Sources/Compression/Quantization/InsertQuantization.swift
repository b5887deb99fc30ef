internal import Basic
internal import IR
internal import Ops

/// Writes a quantisation into a graph: stored weights with `dequantize`, and `quantize` + `dequantize` around stored values.
///
/// Before `%y = conv(%x, %w, %b)`; after `%y = conv(dequantize(quantize(%x)), dequantize(%wq), dequantize(%bq))`, the pattern
/// every ONNX runtime reads. A bias between integer operands is stored as int32 with scale sₓ·s_w.
struct QuantizationInserter {
  let layers: [QuantizedLayer]
  /// Parameters and real values of weights.
  let weights: [ValueID: (parameters: QuantizationParameters, values: [Float])]
  /// Parameters of values that are stored.
  let activations: [(value: ValueID, parameters: QuantizationParameters)]

  func insert(into graph: Graph) throws(OperatorError) -> Graph {
    var rewriter = Rewriter(graph)
    for layer in layers { try storeWeight(of: layer, &rewriter) }
    for (value, parameters) in activations { try store(value, parameters, &rewriter) }
    rewriter.eraseDeadConstants()
    return rewriter.finish()
  }

  // MARK: Weights

  private func storeWeight(of layer: QuantizedLayer, _ rewriter: inout Rewriter) throws(OperatorError) {
    guard let weight = layer.weight, let found = weights[weight.value], rewriter.graph[layer.node].inputs[1] == weight.value else { return }
    let name = rewriter.graph[weight.value].name
    let shape = rewriter.graph.tensorType(weight.value)?.constantShape ?? []
    let stored = try restoring(found.values, shape, found.parameters, name: name, &rewriter)
    keepSparsity(of: weight.value, on: stored, &rewriter)
    for user in Set(rewriter.users(of: weight.value)).sorted() {
      for (index, input) in rewriter.graph[user].inputs.enumerated() where input == weight.value {
        rewriter.setInput(index, of: user, to: stored)
      }
    }
    try storeBias(of: layer, weight.layout, found.parameters, &rewriter)
  }

  /// Zeros stay zeros, so a pattern of zeros stays one.
  private func keepSparsity(of weight: ValueID, on restored: ValueID, _ rewriter: inout Rewriter) {
    guard let sparsity = rewriter.graph.tensorType(weight)?.encoding.sparsity, sparsity != .dense else { return }
    let node = rewriter.graph[restored].producer
    for value in [restored, node.flatMap { rewriter.graph[$0].inputs[0] }].compactMap({ $0 }) {
      guard var type = rewriter.graph.tensorType(value) else { continue }
      type.encoding.sparsity = sparsity
      rewriter.setType(.tensor(type), of: value)
    }
  }

  /// The value that reads stored numbers back.
  func restoring(
    _ values: [Float], _ shape: [Int], _ parameters: QuantizationParameters, name: String, _ rewriter: inout Rewriter
  ) throws(OperatorError) -> ValueID {
    let stored = try storing(values, shape, parameters, name, &rewriter)
    guard parameters.scheme.hasScale else {
      let cast = try rewriter.addNode(Cast(to: .float32), [stored], name: "\(name)_widen", origin: Origin())
      return rewriter.graph[cast].outputs[0]
    }
    let (axis, block) = parameters.onnxAxis
    let pair = scalePair(parameters, shape, name, &rewriter)
    let node = try rewriter.addNode(
      Dequantize(axis: axis, blockSize: block), [stored] + pair, name: "\(name)_dequantize", origin: Origin())
    return rewriter.graph[node].outputs[0]
  }

  /// The stored numbers: a constant, or what positions pick from the table of a codebook.
  private func storing(
    _ values: [Float], _ shape: [Int], _ parameters: QuantizationParameters, _ name: String, _ rewriter: inout Rewriter
  ) throws(OperatorError) -> ValueID {
    guard !parameters.codebooks.isEmpty, let indices = parameters.indices(values, shape: shape) else {
      return rewriter.addConstant(Constant(parameters.stored(values, shape: shape)), name: "\(name)_stored")
    }
    let numbers = parameters.codebooks.flatMap(\.levels)
    let levels = Tensor(parameters.scheme.storage, [numbers.count], rounding: numbers.map(Double.init))
    let table = rewriter.addConstant(Constant(levels), name: "\(name)_codebook")
    let narrow = rewriter.addConstant(Constant(indices), name: "\(name)_indices")
    // ONNX's Gather takes positions of 32 or 64 bits.
    let wide = try rewriter.addNode(Cast(to: .int32), [narrow], name: "\(name)_widen", origin: Origin())
    var positions = rewriter.graph[wide].outputs[0]
    if parameters.codebooks.count > 1 {
      let start = rewriter.addConstant(Constant(parameters.tableStarts(shape)), name: "\(name)_tables")
      let node = try rewriter.addNode(BinaryElementwise(.add), [positions, start], name: "\(name)_position", origin: Origin())
      positions = rewriter.graph[node].outputs[0]
    }
    let picked = try rewriter.addNode(Gather(axis: 0), [table, positions], name: "\(name)_decode", origin: Origin())
    return rewriter.graph[picked].outputs[0]
  }

  private func scalePair(
    _ parameters: QuantizationParameters, _ shape: [Int], _ name: String, _ rewriter: inout Rewriter
  ) -> [ValueID?] {
    let scaleShape = parameters.scaleShape(shape)
    let scale = rewriter.addConstant(Constant(Tensor(scaleShape, floats: parameters.scales)), name: "\(name)_scale")
    let zero = rewriter.addConstant(
      Constant(Tensor(parameters.scheme.storage, scaleShape, saturating: parameters.zeros)), name: "\(name)_zero_point")
    return [scale, zero]
  }

  /// Integer bias, where both operands are integers with one scale for the activations.
  private func storeBias(
    of layer: QuantizedLayer, _ layout: WeightLayout, _ parameters: QuantizationParameters, _ rewriter: inout Rewriter
  ) throws(OperatorError) {
    let node = rewriter.graph[layer.node]
    guard let slot = layout.biasInput, slot < node.inputs.count, let bias = node.inputs[slot], let input = layer.inputs.first,
      let x = activations.first(where: { $0.value == input })?.parameters, x.scheme.storage.isInteger,
      parameters.scheme.storage.isInteger, parameters.zeros.allSatisfy({ $0 == 0 }), let constant = rewriter.graph.constant(bias),
      let tensor = Tensor(constant), tensor.rank == 1, let gemm = GemmScale(node.operation)
    else { return }
    guard parameters.scales.count == 1 || parameters.scales.count == tensor.count, !parameters.isBlocked else { return }
    let values = try tensor.doubles()
    let scales = parameters.scales.map { $0 * x.scales[0] * gemm.alpha / gemm.beta }
    let codes = values.indices.map { values[$0] / Double(scales[scales.count == 1 ? 0 : $0]) }
    // A bias that int32 cannot hold stays a real number.
    guard codes.allSatisfy({ $0.magnitude < 2_147_483_000 }) else { return }
    let name = rewriter.graph[bias].name
    let stored = rewriter.addConstant(Constant(Tensor(.int32, tensor.shape, rounding: codes)), name: "\(name)_stored")
    let shape = scales.count == 1 ? [] : [scales.count]
    let scale = rewriter.addConstant(Constant(Tensor(shape, floats: scales)), name: "\(name)_scale")
    let restored = try rewriter.addNode(Dequantize(axis: 0), [stored, scale], name: "\(node.name)_bias_dequantize", origin: Origin())
    rewriter.setInput(slot, of: layer.node, to: rewriter.graph[restored].outputs[0])
  }

  // MARK: Activations

  /// s = max|x| / 127 over the last axis, q = round(x/s): blocks as long as the axis, which ONNX's operators spell since opset 21.
  private func storeByToken(
    _ value: ValueID, _ name: String, _ extent: Int, _ rewriter: inout Rewriter
  ) throws(OperatorError) -> NodeID {
    let scale = try TokenScale(axis: -1, storage: .int8).add(of: value, name: name, &rewriter)
    let quantize = Quantize(axis: -1, blockSize: extent, storage: .int8)
    let stored = try rewriter.addNode(quantize, [value, scale], name: "\(name)_quantize", origin: Origin())
    return try rewriter.addNode(
      Dequantize(axis: -1, blockSize: extent), [rewriter.graph[stored].outputs[0], scale], name: "\(name)_dequantize", origin: Origin())
  }

  private func store(_ value: ValueID, _ parameters: QuantizationParameters, _ rewriter: inout Rewriter) throws(OperatorError) {
    let readers = Set(rewriter.users(of: value)).sorted()
    let name = rewriter.graph[value].name
    let storage = parameters.scheme.storage
    let restored: NodeID
    if !parameters.scheme.hasScale {
      let narrow = try rewriter.addNode(Cast(to: storage), [value], name: "\(name)_narrow", origin: Origin())
      restored = try rewriter.addNode(Cast(to: .float32), [rewriter.graph[narrow].outputs[0]], name: "\(name)_widen", origin: Origin())
    } else if parameters.scheme.isDynamic, parameters.scheme.granularity == .token {
      guard let extent = rewriter.graph.tensorType(value)?.shape.last?.constant, extent > 0 else {
        throw OperatorError("token-extent", "the last axis of '\(name)' must be known for a scale per token")
      }
      restored = try storeByToken(value, name, extent, &rewriter)
    } else if parameters.scheme.isDynamic {
      let found = try rewriter.addNode(DynamicQuantize(), [value], name: "\(name)_quantize", origin: Origin(), outputCount: 3)
      restored = try rewriter.addNode(
        Dequantize(axis: 0), rewriter.graph[found].outputs.map { $0 }, name: "\(name)_dequantize", origin: Origin())
    } else {
      let pair = scalePair(parameters, [], name, &rewriter)
      let stored = try rewriter.addNode(Quantize(axis: 0, storage: nil), [value] + pair, name: "\(name)_quantize", origin: Origin())
      restored = try rewriter.addNode(
        Dequantize(axis: 0), [rewriter.graph[stored].outputs[0]] + pair, name: "\(name)_dequantize", origin: Origin())
    }
    let result = rewriter.graph[restored].outputs[0]
    for reader in readers {
      for (index, input) in rewriter.graph[reader].inputs.enumerated() where input == value {
        rewriter.setInput(index, of: reader, to: result)
      }
    }
  }
}

/// Factors of an operator's product and bias.
private struct GemmScale {
  var alpha: Float = 1
  var beta: Float = 1

  /// Nil when the bias cannot be scaled away.
  init?(_ operation: any Operator) {
    guard let gemm = operation as? Gemm else { return }
    guard gemm.beta != 0 else { return nil }
    (alpha, beta) = (gemm.alpha, gemm.beta)
  }
}

extension QuantizationParameters {
  /// Axis and block size as ONNX's operators spell them.
  var onnxAxis: (axis: Int, block: Int) {
    switch scheme.granularity {
    case .tensor, .token: (0, 0)
    case .channel(let axis): (axis, 0)
    case .group(let axis, let size): (axis, size)
    }
  }

  var isBlocked: Bool { if case .group = scheme.granularity { true } else { false } }
}
