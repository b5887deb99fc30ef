import IR
import Ops
import Testing

@Suite struct ReductionTests {
  @Test(
    arguments: [
      (Reduce.Function.sum, 10), (.mean, 2.5), (.maximum, 4), (.minimum, 1), (.product, 24), (.l1, 10), (.sumSquare, 30),
    ] as [(Reduce.Function, Float)])
  func reduces(_ function: Reduce.Function, to expected: Float) throws {
    let x = Tensor([2, 2], floats: [1, 2, 3, 4])
    #expect(try evaluate(Reduce(function, keepsAxes: false), x)[0].floats() == [expected])
  }

  @Test func emptyReductionsGiveTheNeutralElement() throws {
    let x = Tensor([2, 0], floats: [])
    let axes = Tensor([1], integers: [1])
    #expect(try evaluate(Reduce(.product, keepsAxes: false), x, axes)[0].floats() == [1, 1])
    #expect(try evaluate(Reduce(.maximum, keepsAxes: false), x, axes)[0].floats() == [-.infinity, -.infinity])
  }

  @Test func axesOnlyKnownAtRunTimeStillTellTheRank() throws {
    let context = InferenceContext(
      inputs: [.tensor(TensorType(.float32, [2, 3, 4])), .tensor(TensorType(.int64, [2]))], nodeName: "r")
    #expect(try Reduce(.sum, keepsAxes: false).inferTypes(context).first?.tensor?.rank == 1)
    #expect(try Reduce(.sum).inferTypes(context).first?.tensor?.rank == 3)
  }

  @Test func softmaxSumsToOneAndFlattensInOldOpsets() throws {
    let x = Tensor([1, 2, 2], floats: [0, 0, 0, 0])
    #expect(try evaluate(Softmax(axis: 1, isFlattened: true), x)[0].floats() == [0.25, 0.25, 0.25, 0.25])
    #expect(try evaluate(Softmax(axis: 1), x)[0].floats() == [0.5, 0.5, 0.5, 0.5])
    var node = ONNXNode(
      name: "Softmax", opset: 11, inputs: [], inputTypes: [.tensor(TensorType(.float32, [2, 10, 1, 1]))], outputCount: 1, attributes: [:])
    #expect(try Softmax.importONNX(&node) == Softmax(axis: 1))
  }

  @Test func ceilingPoolDropsWindowsThatStartInThePadding() throws {
    var pool = Pool(.maximum, kernel: [1], strides: [2], dilations: [1], pads: [0, 0])
    pool.roundsUp = true
    #expect(try infer(pool, [1, 1, 2]) == [.tensor(TensorType(.float32, [1, 1, 1]))])
    let symbolic = try infer(pool, [1, 1, .symbol("w")]).first?.tensor?.shape[2]
    for width in 1...9 {
      #expect(try infer(pool, [1, 1, .constant(width)]).first?.tensor?.shape[2] == symbolic?.bound(["w": width]))
    }
  }

  @Test func unpoolingUndoesPooling() throws {
    let x = Tensor([1, 1, 2, 2], floats: [1, 2, 3, 4])
    let pool = Pool(.maximum, kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0])
    let y = try evaluate(pool, x, outputs: 2)
    #expect(try y[1].integers() == [3])
    let back = try evaluate(MaxUnpool(kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0]), y[0], y[1])[0]
    #expect(try back.floats() == [0, 0, 0, 4])
  }

  @Test func averageDividesByWhatItSaw() throws {
    var pool = Pool(.average, kernel: [3], strides: [1], dilations: [1], pads: [1, 1])
    let x = Tensor([1, 1, 2], floats: [3, 3])
    #expect(try evaluate(pool, x)[0].floats() == [3, 3])
    pool.countsPadding = true
    #expect(try evaluate(pool, x)[0].floats() == [2, 2])
  }

  @Test func topKBreaksTiesByPosition() throws {
    let y = try evaluate(TopK(), Tensor([1, 4], floats: [1, 3, 3, 2]), Tensor([1], integers: [3]), outputs: 2)
    #expect(try y[1].integers() == [1, 2, 3])
    #expect(throws: OperatorError.self) { try evaluate(TopK(), Tensor([2], floats: [1, 2]), Tensor([1], integers: [3])) }
  }

  @Test func runningSumsRunBothWays() throws {
    let x = Tensor([3], floats: [1, 2, 3])
    let axis = Tensor([], integers: [0])
    #expect(try evaluate(CumulativeSum(), x, axis)[0].floats() == [1, 3, 6])
    #expect(try evaluate(CumulativeSum(isExclusive: true, isReversed: true), x, axis)[0].floats() == [5, 3, 0])
  }
}
