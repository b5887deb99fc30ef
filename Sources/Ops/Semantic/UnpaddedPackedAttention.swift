package import IR

/// Projection to queries, keys and values, and attention over sequences that lie end to end without padding (com.microsoft
/// PackedAttention).
///
/// Inputs: x [t, i], weight [i, q + k + v], bias [q + k + v], places of the tokens in the padded batch [b, s], ends of the
/// sequences [b + 1] counted from 0, optional addend to the scores [b or 1, h or 1, s, s]. Output: [t, v].
package struct UnpaddedPackedAttention: ONNXOperator {
  package static let name = "attention-packed-unpadded"

  package var heads: Int
  package var scale: Float?
  /// Widths of queries, keys and values; empty for thirds.
  package var widths: [Int]

  package init(heads: Int, scale: Float? = nil, widths: [Int] = []) {
    self.heads = heads
    self.scale = scale
    self.widths = widths
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, weight) = (try context.tensor(0), try context.tensor(1))
    guard x.rank == 2, weight.rank == 2, heads > 0 else {
      throw OperatorError("ranks-match", "the input must be [t, i] and the weight [i, q + k + v]")
    }
    let value = widths.count == 3 ? Dimension.constant(widths[2]) : weight.shape[1].floorDivided(by: 3)
    return [.tensor(TensorType(x.element, [x.shape[0], value]))]
  }

  private func split(_ total: Int) throws(OperatorError) -> (key: Int, value: Int) {
    let (q, k, v) = widths.count == 3 ? (widths[0], widths[1], widths[2]) : (total / 3, total / 3, total / 3)
    guard q == k, q > 0, v > 0, q + k + v == total else {
      throw OperatorError("heads-divide", "\(total) features are not queries, keys of the same width, and values")
    }
    return (q, v)
  }

  /// The lengths are data: the tokens are taken as sequences of one length.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.shape(ofInput: 0)
    let total = try operands.shape(ofInput: 1)[1]
    let output = try operands.output()
    let projection = Contraction(
      batch: 1, m: x[0], n: total, k: x[1], lhs: try operands.input(0), rhs: try operands.input(1),
      output: Operand(element: output.element, count: x[0] * total), hasBias: true)
    let attention = try UnpaddedAttention.cost(
      batch: max(1, try operands.shape(ofInput: 4)[0] - 1), tokens: x[0], heads: heads, widths: try split(total), output,
      hasMask: operands.inputs.count > 5 && operands.inputs[5] != nil)
    return .loop(
      Loop(
        label: Self.name, tripCount: 1, body: [.contraction(projection), .attention(attention)], inputs: try operands.presentInputs(),
        outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, weight) = (try inputs.tensor(0), try inputs.tensor(1))
    let projected = try MatrixMultiply().evaluate([.tensor(x), .tensor(weight)], context).map { $0 }.tensor(0)
    let values = try projected.doubles().shifted(by: try inputs.optionalTensor(2), shape: projected.shape)
    let (tokens, total) = (x.shape[0], weight.shape[1])
    let widths = try split(total)
    func part(_ start: Int, _ width: Int) -> [Double] {
      (0..<tokens).flatMap { values[($0 * total + start)..<($0 * total + start + width)] }
    }
    let rows = TokenRows(
      heads: heads, q: part(0, widths.key), k: part(widths.key, widths.key), v: part(2 * widths.key, widths.value),
      widths: (widths.key, widths.value))
    let y = try rows.attend(ends: try inputs.integers(4), addend: try inputs.optionalTensor(5), scale: scale)
    return [.tensor(Tensor(x.element, [tokens, widths.value], rounding: y))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "PackedAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> UnpaddedPackedAttention {
    let (heads, scale) = try node.headsAndScale()
    return UnpaddedPackedAttention(heads: heads, scale: scale, widths: try node.integers("qkv_hidden_sizes") ?? [])
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [("num_heads", .integer(heads))]
    if let scale { attributes.append(("scale", .float(scale))) }
    if !widths.isEmpty { attributes.append(("qkv_hidden_sizes", .integers(widths))) }
    return ONNXSpelling(ONNXName(domain: "com.microsoft", "PackedAttention"), attributes)
  }
}
