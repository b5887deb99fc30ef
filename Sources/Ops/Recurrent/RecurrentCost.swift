internal import IR

/// What machines see of a recurrent layer: a loop over time whose body multiplies the input, multiplies the state, and
/// evaluates the gates.
struct RecurrentCost {
  let cell: RecurrentLayer.Cell
  let hidden: Int
  let inputSize: Int
  let batch: Int
  let length: Int
  let directions: Int

  func loop(_ operands: OperandTypes, w: Operand, r: Operand) throws(OperatorError) -> Loop {
    let rows = cell.gates * hidden
    let element = try operands.input(0).element
    func activation(_ count: Int) -> Operand { Operand(element: element, count: batch * count) }
    func part(_ whole: Operand) -> Operand {
      Operand(element: whole.element, encoding: whole.encoding, count: whole.count / max(1, directions), isConstant: whole.isConstant)
    }
    let gates = Pointwise(
      function: "\(cell.rawValue.lowercased())-gates", count: batch * hidden, inputs: [activation(rows), activation(rows)],
      outputs: [activation(hidden)], costPerElement: cost)
    return Loop(
      label: cell.rawValue.lowercased(), tripCount: length, parallel: directions,
      body: [
        .contraction(
          Contraction(
            batch: 1, m: batch, n: rows, k: inputSize, lhs: activation(inputSize), rhs: part(w), output: activation(rows),
            hasBias: operands.inputs.count > 3 && operands.inputs[3] != nil)),
        .contraction(
          Contraction(
            batch: 1, m: batch, n: rows, k: hidden, lhs: activation(hidden), rhs: part(r), output: activation(rows))),
        .pointwise(gates),
      ], inputs: try operands.presentInputs(), outputs: try operands.allOutputs())
  }

  /// Per hidden unit: the sums of both products, then the gates' activations and the state's update.
  private var cost: ArithmeticCost {
    switch cell {
    case .lstm: ArithmeticCost(simple: 4 + 3 * 2 + 4, special: 3 * 2 + 2)
    case .gru: ArithmeticCost(simple: 3 + 2 * 2 + 5, special: 2 * 2 + 1)
    case .rnn: ArithmeticCost(simple: 1, special: 1)
    }
  }
}
