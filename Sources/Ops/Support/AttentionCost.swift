internal import IR

/// Computations of attention operators that contain more than the attention itself.
struct AttentionCost {
  private let operands: OperandTypes

  init(_ operands: OperandTypes) { self.operands = operands }

  /// One product for queries, keys and values, then attention: a sequence that is carried out once.
  func packed(widths: (q: Int, k: Int, v: Int), heads: Int, isCausal: Bool) throws(OperatorError) -> Computation {
    let x = try operands.shape(ofInput: 0)
    let (batch, length) = (x[0], x[1])
    let total = widths.q + widths.k + widths.v
    let input = try operands.input(0)
    let output = try operands.output()
    func rows(_ width: Int, steps: Int) -> Operand { Operand(element: output.element, count: batch * steps * width) }
    let past = operands.outputs.count > 1 ? try operands.shape(ofOutput: 1)[3] - length : 0
    let projection = Contraction(
      batch: 1, m: batch * length, n: total, k: x[2], lhs: input, rhs: try operands.input(1),
      output: rows(total, steps: length), hasBias: operands.inputs.count > 2 && operands.inputs[2] != nil)
    let attention = Attention(
      batch: batch, heads: heads, keyHeads: heads, queryLength: length, keyLength: length + past, headDimension: widths.q / heads,
      valueDimension: widths.v / heads, isCausal: isCausal, query: rows(widths.q, steps: length),
      key: rows(widths.k, steps: length + past), value: rows(widths.v, steps: length + past), output: output)
    return .loop(
      Loop(
        label: "attention-packed", tripCount: 1, body: [.contraction(projection), .attention(attention)],
        inputs: try operands.presentInputs(), outputs: try operands.allOutputs()))
  }
}
