import IR
import Ops
import Testing

@Suite struct RecurrentTests {
  /// One hidden unit, one input, weights of one and no bias.
  private func layer(_ cell: RecurrentLayer.Cell, _ direction: RecurrentLayer.Direction = .forward) -> (RecurrentLayer, Tensor, Tensor) {
    let d = direction == .bidirectional ? 2 : 1
    let ones = Tensor([d, cell.gates, 1], floats: Array(repeating: 1, count: d * cell.gates))
    return (RecurrentLayer(cell, hidden: 1, direction: direction), ones, ones)
  }

  @Test func plainCellAddsInputAndState() throws {
    var (op, w, r) = layer(.rnn)
    op.activations = ["Relu"]
    let x = Tensor([3, 1, 1], floats: [1, 2, 3])
    let y = try evaluate(op, x, w, r, outputs: 2)
    #expect(try y[0].floats() == [1, 3, 6])
    #expect(y[0].shape == [3, 1, 1, 1])
    #expect(try y[1].floats() == [6])
  }

  @Test func reverseReadsFromTheEndOfEverySequence() throws {
    var (op, w, r) = layer(.rnn, .reverse)
    op.activations = ["Relu"]
    let x = Tensor([3, 2, 1], floats: [1, 1, 2, 2, 3, 3])
    let lengths = Tensor(.int32, [2], .int32([3, 2]))
    let y = try evaluate(op, x, w, r, nil, lengths, outputs: 2)
    #expect(try y[0].floats() == [6, 3, 5, 2, 3, 0])
    #expect(try y[1].floats() == [6, 3])
  }

  @Test(arguments: RecurrentLayer.Cell.allCases) func batchFirstIsTheSameTransposed(_ cell: RecurrentLayer.Cell) throws {
    var (op, w, r) = layer(cell)
    let values: [Float] = [0.1, 0.2, 0.3]
    let plain = try evaluate(op, Tensor([3, 1, 1], floats: values), w, r, outputs: 2)
    op.isBatchFirst = true
    let first = try evaluate(op, Tensor([1, 3, 1], floats: values), w, r, outputs: 2)
    #expect(first[0].shape == [1, 3, 1, 1])
    #expect(try plain[0].floats() == first[0].floats())
  }

  @Test func wholeInputForgetCouplingKeepsTheCell() throws {
    var (op, w, r) = layer(.lstm)
    op.couplesForget = true
    let y = try evaluate(op, Tensor([1, 1, 1], floats: [0]), w, r, nil, nil, nil, Tensor([1, 1, 1], floats: [2]), outputs: 3)
    // Gates at 0 are one half: c = 2·½ + ½·tanh(0).
    #expect(try y[2].floats() == [1])
  }

  @Test(arguments: [RecurrentLayer.Direction.forward, .bidirectional]) func workIsThatOfBothProducts(_ direction: RecurrentLayer.Direction)
    throws
  {
    let d = direction == .bidirectional ? 2 : 1
    let types: [ValueType?] = [
      .tensor(TensorType(.float32, [50, 4, 32])), .tensor(TensorType(.float32, [d, 64, 32])), .tensor(TensorType(.float32, [d, 64, 16])),
    ]
    let op = RecurrentLayer(.lstm, hidden: 16, direction: direction)
    let outputs = try op.inferTypes(InferenceContext(inputs: types, outputCount: 3))
    #expect(outputs[0] == .tensor(TensorType(.float32, [50, d, 4, 16])))
    let computation = try op.computation(OperandTypes(inputs: types, outputs: outputs, isConstant: [false, true, true]))
    #expect(computation.work.macs == 50 * d * 4 * 64 * (32 + 16))
  }

  @Test func weightsThatDoNotFitAreRefused() {
    #expect(throws: OperatorError.self) { try infer(RecurrentLayer(.gru, hidden: 2), [5, 1, 3], [1, 6, 3], [1, 6, 3]) }
  }
}
