package import IR

/// Projection of one new token per sequence to query, key and value, and attention over a cache (com.microsoft
/// DecoderMaskedSelfAttention).
///
/// Inputs: x [b, 1, i], weight [i, q + k + v], bias, optional mask [b, t] of zeros and ones, cache [2, b, h, p, d], optional
/// addend to the scores, tokens in a shared cache, number of beams, their paths. Outputs: y [b, 1, v], new cache. A shared
/// cache is laid out as `DecoderAttention` says.
package struct PackedDecoderAttention: ONNXOperator {
  package static let name = "attention-packed-decoder"

  package var attention: DecoderAttention

  package init(_ attention: DecoderAttention) { self.attention = attention }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, weight) = (try context.tensor(0), try context.tensor(1))
    var cache = try context.tensor(4)
    guard x.rank == 3, weight.rank == 2, cache.rank == 5, cache.shape[0].constant ?? 2 == 2 else {
      throw OperatorError("ranks-match", "the input must be [b, 1, i], the weight [i, q + k + v] and the cache [2, b, h, p, d]")
    }
    if !attention.sharesCache { cache.shape[3] = cache.shape[3] + 1 }
    let y = TensorType(x.element, [x.shape[0], x.shape[1], weight.shape[1].floorDivided(by: 3)])
    return [.tensor(y), .tensor(TensorType(x.element, cache.shape))].prefix(max(1, context.outputCount)).map { $0 }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.shape(ofInput: 0)
    let total = try operands.shape(ofInput: 1)[1]
    let past = try operands.shape(ofInput: 4)[3]
    let output = try operands.output()
    let projection = Contraction(
      batch: 1, m: x[0] * x[1], n: total, k: x[2], lhs: try operands.input(0), rhs: try operands.input(1),
      output: Operand(element: output.element, count: x[0] * x[1] * total), hasBias: true)
    let filled = operands.contents.count > 6 ? operands.contents[6]?.first?.constant : nil
    let keys = attention.sharesCache ? filled.map { $0 + 1 } ?? past : past + 1
    let scores = try DecoderAttention.cost(
      batch: x[0], keys: keys, heads: attention.heads, widths: (total / 3, total / 3), output,
      hasMask: operands.inputs.count > 3 && operands.inputs[3] != nil)
    return .loop(
      Loop(
        label: Self.name, tripCount: 1, body: [.contraction(projection), .attention(scores)], inputs: try operands.presentInputs(),
        outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, weight, past) = (try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(4))
    let (heads, width) = (attention.heads, weight.shape.last.map { $0 / 3 } ?? 0)
    guard x.rank == 3, x.shape[1] == 1, past.rank == 5, past.shape[0] == 2, heads > 0, width % heads == 0 else {
      throw OperatorError("attention-form", "\(x.shape) is not one token per sequence with a cache [2, b, h, p, d]")
    }
    try DecoderAttention.checkBeams(inputs, 7)
    let projected = try MatrixMultiply().evaluate([.tensor(x), .tensor(weight)], context).map { $0 }.tensor(0)
    let rows = try projected.doubles().shifted(by: try inputs.optionalTensor(2), shape: projected.shape)
    func part(_ index: Int) -> HeadTensor {
      HeadTensor(rows: rows, batch: x.shape[0], length: 1, width: 3 * width, start: index * width, heads: heads, depth: width / heads)
    }
    var step = DecoderStep(attention: attention, element: x.element, q: part(0))
    step.mask = try inputs.optionalTensor(3)
    step.addend = try inputs.optionalTensor(5)
    step.filled = try inputs.optionalIntegers(6)?.first
    let outputs = try step.attend(part(1), part(2), past: past.slice(0, axis: 0), past.slice(1, axis: 0)).map { $0 }
    guard context.outputCount > 1 else { return [outputs[0]] }
    let caches = try [outputs.map { $0 }.tensor(1), outputs.map { $0 }.tensor(2)]
    return [outputs[0], .tensor(try stacked(caches, axis: 0))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "DecoderMaskedSelfAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> PackedDecoderAttention {
    guard try node.integer("do_rotary") ?? 0 == 0 else { throw OperatorError("attention-form", "built-in rotation is not supported") }
    return PackedDecoderAttention(try DecoderAttention.importONNX(&node))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", "DecoderMaskedSelfAttention"), attention.onnxAttributes)
  }
}
