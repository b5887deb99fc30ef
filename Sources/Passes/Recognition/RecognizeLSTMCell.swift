internal import Basic
internal import IR
internal import Ops

/// Four parts of one tensor through three sigmoids and a tanh into σ(f)·c + σ(i)·tanh(g) and σ(o)·tanh(c'): one LSTM step.
let recognizeLSTMCell = recognizer(
  "recognize-lstm-cell", "The gates of an unrolled LSTM step, σ(o)·tanh(σ(f)·c + σ(i)·tanh(g)), become one cell.",
  endsAt: [BinaryElementwise(.mul)], form: .recurrent,
  conditions: Condition.all
) { match, id throws(NearMiss) in
  let result = match.graph[id].outputs[0]
  guard let last = match.binary(result, .mul) else { return nil }
  for (outputGate, squashed) in match.eitherOrder(last) {
    guard let (output, o) = match.unary(outputGate, .sigmoid), let (tanh, state) = match.unary(squashed, .tanh),
      let sum = match.binary(state, .add), let cell = match.cellState(sum)
    else { continue }
    let covers = [last.id, output, tanh, sum.id] + cell.nodes
    guard let (split, op, node) = match.splitter(o), node.outputs.count == 4, op.axis == -1 || op.axis == 1,
      [cell.input, cell.forget, cell.candidate].allSatisfy(node.outputs.contains)
    else { throw NearMiss(Condition.parts, covers) }
    guard match.graph.tensorType(o)?.shape == match.graph.tensorType(cell.state)?.shape, match.graph.tensorType(o)?.rank == 2 else {
      throw NearMiss(Condition.shapes, covers)
    }
    let order = node.outputs.compactMap { part -> LongShortTermCell.Gate? in
      switch part {
      case cell.input: .input
      case cell.forget: .forget
      case cell.candidate: .cell
      case o: .output
      default: nil
      }
    }
    guard Set(order).count == 4 else { throw NearMiss(Condition.parts, covers) }
    var recognition = Recognition(
      operation: LongShortTermCell(gates: order), inputs: [node.inputs[0], cell.state], result: result, covers: covers + [split])
    recognition.results.append(state)
    return recognition
  }
  return nil
}

private enum Condition {
  static let parts = "the four gates are not the four parts of one tensor"
  static let shapes = "the gates do not have the shape of the state"
  static let all = [parts, shapes]
}

private struct CellState {
  var input: ValueID
  var forget: ValueID
  var candidate: ValueID
  var state: ValueID
  var nodes: [NodeID]
}

extension GraphMatcher {
  /// σ(f)·c + σ(i)·tanh(g), the terms in either order.
  fileprivate func cellState(_ sum: (id: NodeID, a: ValueID, b: ValueID)) -> CellState? {
    for (kept, written) in eitherOrder(sum) {
      guard let keep = binary(kept, .mul), let write = binary(written, .mul) else { continue }
      for (inputGate, candidate) in eitherOrder(write) {
        guard let (input, i) = unary(inputGate, .sigmoid), let (tanh, g) = unary(candidate, .tanh) else { continue }
        for (forgetGate, state) in eitherOrder(keep) {
          guard let (forget, f) = unary(forgetGate, .sigmoid) else { continue }
          return CellState(input: i, forget: f, candidate: g, state: state, nodes: [keep.id, write.id, input, tanh, forget])
        }
      }
    }
    return nil
  }

  /// The split that makes a value, as any of its results.
  fileprivate func splitter(_ value: ValueID) -> (id: NodeID, op: Split, node: Node)? {
    graph.producer(value, as: Split.self).map { ($0.id, $0.op, graph[$0.id]) }
  }
}
