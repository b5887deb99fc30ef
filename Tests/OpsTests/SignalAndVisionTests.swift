import IR
import Ops
import Testing

@Suite struct SignalAndVisionTests {
  @Test(arguments: [1, 2, 3, 5, 8, 12]) func transformThereAndBackIsTheIdentity(_ length: Int) throws {
    let x = Tensor([1, length, 2], floats: (0..<(2 * length)).map { Float($0 * $0 % 7) })
    let there = try evaluate(DiscreteFourierTransform(), x)[0]
    let back = try evaluate(DiscreteFourierTransform(isInverse: true), there)[0].floats()
    for (a, b) in zip(try x.floats(), back) { #expect(abs(a - b) < 1e-4) }
  }

  @Test func constantSignalHasOneFrequency() throws {
    let y = try evaluate(DiscreteFourierTransform(isOneSided: true), Tensor([1, 4, 1], floats: [1, 1, 1, 1]))[0]
    #expect(y.shape == [1, 3, 2])
    #expect(try y.floats()[0] == 4)
    #expect(try infer(DiscreteFourierTransform(isOneSided: true), [2, .symbol("n"), 1]).first?.tensor?.shape[1].bound(["n": 9]) == 5)
  }

  @Test func framesOfAShortTimeTransform() throws {
    let y = try evaluate(
      ShortTimeFourierTransform(), Tensor([1, 8], floats: Array(repeating: 1, count: 8)), Tensor([], integers: [2]),
      Tensor([4], floats: [1, 1, 1, 1]))[0]
    #expect(y.shape == [1, 3, 3, 2])
  }

  @Test func einsumContractsAndTraces() throws {
    let x = Tensor([2, 2], floats: [1, 2, 3, 4])
    #expect(try evaluate(Einsum("ij,jk->ik"), x, x)[0].floats() == [7, 10, 15, 22])
    #expect(try evaluate(Einsum("ii"), x)[0].floats() == [5])
    #expect(try evaluate(Einsum("...i->..."), x)[0].floats() == [3, 7])
    #expect(throws: OperatorError.self) { try infer(Einsum("ij,jk->iz"), [2, 2], [2, 2]) }
  }

  @Test func einsumOfTwoIsAContraction() throws {
    let types: [ValueType?] = [.tensor(TensorType(.float32, [2, 3, 4, 8])), .tensor(TensorType(.float32, [2, 3, 5, 8]))]
    let op = Einsum("bhqd,bhkd->bhqk")
    let y = try op.inferTypes(InferenceContext(inputs: types))
    guard case .contraction(let c) = try op.computation(OperandTypes(inputs: types, outputs: y, isConstant: [false, false])) else {
      Issue.record("no contraction")
      return
    }
    #expect((c.batch, c.m, c.n, c.k) == (6, 4, 5, 8))
  }

  @Test func determinantsExchangeRows() throws {
    #expect(try evaluate(Determinant(), Tensor([2, 2], floats: [0, 1, 1, 0]))[0].floats() == [-1])
  }

  @Test func identityGridSamplesTheImage() throws {
    let x = Tensor([1, 1, 2, 2], floats: [1, 2, 3, 4])
    let theta = Tensor([1, 2, 3], floats: [1, 0, 0, 0, 1, 0])
    for alignsCorners in [true, false] {
      let grid = try evaluate(AffineGrid(alignsCorners: alignsCorners), theta, Tensor([4], integers: [1, 1, 2, 2]))[0]
      let y = try evaluate(GridSample(.linear, padding: .border, alignsCorners: alignsCorners), x, grid)[0].floats()
      for (a, b) in zip(y, [1, 2, 3, 4] as [Float]) { #expect(abs(a - b) < 1e-5) }
    }
  }

  @Test func overlappingBoxesAreSuppressed() throws {
    let boxes = Tensor([1, 3, 4], floats: [0, 0, 1, 1, 0, 0, 1, 0.9, 2, 2, 3, 3])
    let scores = Tensor([1, 1, 3], floats: [0.8, 0.9, 0.7])
    let y = try evaluate(NonMaxSuppression(), boxes, scores, Tensor([1], integers: [3]), Tensor([1], floats: [0.5]))[0]
    #expect(try y.integers() == [0, 0, 1, 0, 0, 2])
  }

  @Test func plainOffsetsMakeADeformableConvolutionPlain() throws {
    var node = ONNXNode(
      name: "DeformConv", opset: 22, inputs: [], inputTypes: [nil, .tensor(TensorType(.float32, [1, 1, 2, 2]))], outputCount: 1,
      attributes: [:])
    let op = try DeformableConvolve.importONNX(&node)
    let x = Tensor([1, 1, 3, 3], floats: (0..<9).map(Float.init))
    let w = Tensor([1, 1, 2, 2], floats: [1, 2, 3, 4])
    let y = try evaluate(op, x, w, Tensor([1, 8, 2, 2], floats: Array(repeating: 0, count: 32)))[0].floats()
    #expect(try y == evaluate(Convolve(strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0]), x, w)[0].floats())
  }

  @Test func lossWeighsAndIgnores() throws {
    let x = Tensor([2, 2], floats: [-1, -2, -3, -4])
    let targets = Tensor([2], integers: [0, 1])
    #expect(try evaluate(CrossEntropyLoss(takesScores: false), x, targets)[0].floats() == [2.5])
    #expect(try evaluate(CrossEntropyLoss(takesScores: false, ignoredClass: 1), x, targets)[0].floats() == [1])
    #expect(throws: OperatorError.self) {
      try evaluate(CrossEntropyLoss(takesScores: false), x, Tensor([2], integers: [0, 2]))
    }
  }
}
