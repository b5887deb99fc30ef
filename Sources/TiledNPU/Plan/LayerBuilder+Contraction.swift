internal import IR
internal import Lowering

extension LayerBuilder {
  /// One contraction with everything the ways of carrying it out need to know.
  struct Product {
    var shape: LayerShape
    var inputBits: Int
    var outputBits: Int
    var weightBits: Int
    var cyclesPerStep: Double
    /// Cycles per result in the output stage, activation included.
    var cyclesPerOutput: Double
    var input: Int
    var output: Int
    /// The placement chose these memories.
    var inputIsMovable: Bool
    var outputIsMovable: Bool
    /// Memory of the second operand, and whether it is a constant.
    var weights: Int
    var hasConstantWeights: Bool
    var operandBytes: Int
    /// Stored over dense bytes of structured-sparse weights, positions included; 1 for dense ones.
    var storedShare: Double
    var statistics: ValueStatistics?
    /// Different stored weights there are at most; nil for any.
    var palette: Int?
  }

  mutating func addContraction(
    _ routed: Contraction, _ step: Kernel.Step, _ context: LayerContext, to layer: inout Layer
  ) throws(Infeasible) -> Bool {
    let contraction = routed.batchedByExpert
    let lhs = contraction.lhs.storage
    let rhs = contraction.rhs.storage
    guard let format = machine.format(activations: lhs, weights: rhs, sparsity: contraction.rhs.encoding.sparsity),
      let output = machine.vector.cycles(.output, "contraction", inputBits: lhs.bits, outputBits: contraction.output.storage.bits)
    else { return false }
    let activation = context.kernel.epilogue.reduce(0.0) { most, step in
      guard case .pointwise(let pointwise) = step.computation else { return most }
      return max(most, machine.vector.activationCycles(pointwise.function) ?? 0)
    }
    let near = machine.placement.near
    let input = context.read(step.inputs.first)
    let weights = context.read(step.inputs.dropFirst().first)
    let isConstant = contraction.rhs.isConstant
    let product = Product(
      shape: LayerShape(contraction), inputBits: lhs.bits, outputBits: contraction.output.storage.bits,
      weightBits: rhs.bits, cyclesPerStep: format.cyclesPerStep, cyclesPerOutput: max(output, activation),
      input: input.map(context.memory(of:)) ?? near, output: context.mainOutput.map(context.memory(of:)) ?? near,
      inputIsMovable: context.isMovable(input), outputIsMovable: context.isMovable(context.mainOutput),
      weights: isConstant ? machine.placement.weights : weights.map(context.memory(of:)) ?? near,
      hasConstantWeights: isConstant, operandBytes: contraction.rhs.bytes,
      storedShare: format.sparsity == nil
        ? 1 : min(1, Double(contraction.rhs.bytes * 8) / Double(max(1, contraction.rhs.count * rhs.bits))),
      statistics: isConstant ? statistics(of: weights, bits: rhs.bits) : nil, palette: contraction.rhs.encoding.palette)
    layer.place = .array
    layer.macs += contraction.macs
    layer.arithmeticCycles += Double(contraction.macs) * format.cyclesPerStep / Double(max(1, machine.macsPerCycle))
    layer.format = lhs == rhs ? lhs.rawValue : "\(lhs.rawValue)×\(rhs.rawValue)"
    if isConstant {
      let stored = Double(product.operandBytes) * codedShare(product)
      layer.compulsory[product.weights] += Int(stored * (1 - residentShare))
      layer.movable[product.weights] += Int(stored * (1 - residentShare)) - Int(stored * (1 - largestResidentShare))
    }
    if case .block(let array) = machine.array {
      try addBlocks(array, product, context, to: &layer)
    } else {
      try addTiles(product, context, to: &layer)
    }
    return true
  }

  /// Coded over plain size, at most one: the least the weights of a product can take.
  private func codedShare(_ product: Product) -> Double {
    guard machine.weightCode.isEntropyCoded, product.operandBytes > 0 else { return 1 }
    guard let statistics = product.statistics else {
      return min(1, machine.weightCode.bitsPerWeight(8, palette: product.palette) / 8)
    }
    return min(1, statistics.entropyBits / 8 / Double(product.operandBytes))
  }

  private func statistics(of tensor: Kernel.Tensor?, bits: Int) -> ValueStatistics? {
    guard machine.weightCode.isEntropyCoded, bits == 8, let data = tensor?.data,
      data.byteCount == tensor?.operand.count
    else { return nil }
    return data.withBytes { ValueStatistics(bytes: $0) }
  }

  /// Attention as the two products and the softmax between them; the scores stay beside the array.
  mutating func addAttention(
    _ attention: Attention, _ step: Kernel.Step, _ context: LayerContext, to layer: inout Layer
  ) throws(Infeasible) -> Bool {
    let pairs = attention.batch * attention.heads
    let type = attention.query.element
    func operand(_ count: Int) -> Operand { Operand(element: type, encoding: attention.query.encoding, count: count) }
    let scores = operand(attention.scoreCount)
    let parts = [
      Contraction(
        batch: pairs, m: attention.queryLength, n: attention.keyLength, k: attention.headDimension, lhs: attention.query,
        rhs: attention.key, output: scores),
      Contraction(
        batch: pairs, m: attention.queryLength, n: attention.valueDimension, k: attention.keyLength, lhs: scores,
        rhs: attention.value, output: attention.output),
    ]
    let softmax = Reduction(
      kind: .softmax, rows: pairs * attention.queryLength, columns: attention.keyLength, inputs: [scores], outputs: [scores],
      costPerElement: ArithmeticCost())
    // Query, key and value are the first three operands; the scores between the products have no number.
    let operands = step.inputs.prefix(3) + Array(repeating: -1, count: max(0, 3 - step.inputs.count))
    for (part, inputs) in zip(parts, [[operands[0], operands[1]], [-1, operands[2]]]) {
      let product = Kernel.Step(computation: .contraction(part), label: step.label, inputs: inputs, outputs: [])
      guard try addContraction(part, product, context, to: &layer) else { return false }
    }
    if attention.isCapped {
      let bound = Pointwise(
        function: "tanh", count: attention.scoreCount, inputs: [scores], outputs: [scores], costPerElement: ArithmeticCost(special: 1))
      guard addPointwise(bound, followsArray: false, context, to: &layer) else { return false }
    }
    return addReduction(softmax, context, to: &layer)
  }
}
