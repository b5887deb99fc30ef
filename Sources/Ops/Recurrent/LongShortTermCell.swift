package import IR

/// One step of an LSTM after its products: c' = σ(f)·c + σ(i)·tanh(g), h' = σ(o)·tanh(c').
///
/// Inputs: gates [b, 4·h] side by side in the order of `gates`, c [b, h]. Outputs: h' and c' [b, h].
package struct LongShortTermCell: Operator {
  package static let name = "lstm-cell"

  /// Order of the gates along the last axis: a permutation of input, forget, cell (`g`) and output.
  package var gates: [Gate]

  package enum Gate: String, Codable, Sendable, Hashable, CaseIterable { case input, forget, cell, output }

  package init(gates: [Gate]) { self.gates = gates }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, c) = (try context.tensor(0), try context.tensor(1))
    guard Set(gates).count == 4, gates.count == 4 else { throw OperatorError("gates-complete", "the four gates must stand once each") }
    guard let width = x.shape.last, let hidden = c.shape.last, x.rank == c.rank else {
      throw OperatorError("ranks-match", "gates \(x.shape.text) and state \(c.shape.text) differ in rank")
    }
    if let width = width.constant, let hidden = hidden.constant, width != 4 * hidden {
      throw OperatorError("gates-match", "\(width) gate elements for \(hidden) state elements")
    }
    return [ValueType](repeating: .tensor(TensorType(c.element, c.shape)), count: max(1, min(2, context.outputCount)))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("lstm-cell", simple: 10, special: 8)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, c) = (try inputs.tensor(0), try inputs.tensor(1))
    let (values, state) = (try x.doubles(), try c.doubles())
    let hidden = c.shape.last ?? 1
    guard values.count == 4 * state.count else { throw OperatorError("gates-match", "gates and state do not fit") }
    func place(_ gate: Gate) -> Int { (gates.firstIndex(of: gate) ?? 0) * hidden }
    let (i, f, g, o) = (place(.input), place(.forget), place(.cell), place(.output))
    let (sigmoid, tanh) = (UnaryElementwise.Function.sigmoid, UnaryElementwise.Function.tanh)
    var (h, next) = (state, state)
    for index in state.indices {
      let start = index / hidden * 4 * hidden + index % hidden
      next[index] = sigmoid.apply(values[start + f]) * state[index] + sigmoid.apply(values[start + i]) * tanh.apply(values[start + g])
      h[index] = sigmoid.apply(values[start + o]) * tanh.apply(next[index])
    }
    let outputs = [Tensor(c.element, c.shape, rounding: h), Tensor(c.element, c.shape, rounding: next)]
    return outputs.prefix(max(1, context.outputCount)).map { .tensor($0) }
  }
}

extension LongShortTermCell: ONNXDecomposable {
  package var onnxBodyOutputs: Int { 2 }

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder("lstm-cell", context)
    let parts = try body.split(body.inputs[0], axis: -1, into: 4, "gates")
    func part(_ gate: Gate) -> ValueID { parts[gates.firstIndex(of: gate) ?? 0] }
    let input = try body.add(UnaryElementwise(.sigmoid), [part(.input)], "input")
    let forget = try body.add(UnaryElementwise(.sigmoid), [part(.forget)], "forget")
    let candidate = try body.add(UnaryElementwise(.tanh), [part(.cell)], "candidate")
    let output = try body.add(UnaryElementwise(.sigmoid), [part(.output)], "output")
    let kept = try body.add(BinaryElementwise(.mul), [forget, body.inputs[1]], "kept")
    let written = try body.add(BinaryElementwise(.mul), [input, candidate], "written")
    let state = try body.add(BinaryElementwise(.add), [kept, written], "state")
    let squashed = try body.add(UnaryElementwise(.tanh), [state], "squashed")
    return body.finish([try body.add(BinaryElementwise(.mul), [output, squashed], "hidden"), state])
  }
}
