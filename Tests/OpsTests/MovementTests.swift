import IR
import Ops
import Testing

/// 0, 1, 2 … in a shape.
func ramp(_ shape: Int...) -> Tensor { Tensor(shape, floats: (0..<shape.reduce(1, *)).map(Float.init)) }

@Suite struct MovementTests {
  @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
  func transposeTwiceIsTheIdentity(_ order: [Int]) throws {
    let x = ramp(2, 3, 4)
    let inverse = (0..<3).map { axis in order.firstIndex(of: axis) ?? 0 }
    let y = try evaluate(Transpose(order), x)[0]
    #expect(y.shape == order.map { x.shape[$0] })
    #expect(try evaluate(Transpose(inverse), y)[0].floats() == x.floats())
  }

  @Test(arguments: 0..<3) func splitAndConcatenateUndoEachOther(_ axis: Int) throws {
    let x = ramp(4, 5, 6)
    let parts = try evaluate(Split(axis: axis), x, outputs: 3)
    #expect(parts.map { $0.shape[axis] }.reduce(0, +) == x.shape[axis])
    let y = try Concatenate(axis: axis).evaluate(parts.map { .tensor($0) }, EvaluationContext())[0].tensor
    #expect(try y?.floats() == x.floats())
  }

  @Test func slicesRunBackwardsAndClamp() throws {
    let x = ramp(5)
    func slice(_ start: Int, _ end: Int, _ step: Int) throws -> [Float] {
      try evaluate(Slice(), x, extents([start]), extents([end]), extents([0]), extents([step]))[0].floats()
    }
    #expect(try slice(-1, -100, -2) == [4, 2, 0])
    #expect(try slice(1, 100, 2) == [1, 3])
    #expect(try slice(3, 1, 1) == [])
    #expect(try slice(.max, .min, -1) == [4, 3, 2, 1, 0])
  }

  @Test func gatherPicksRowsFromEitherEnd() throws {
    let y = try evaluate(Gather(), ramp(3, 2), Tensor([1, 2], integers: [-1, 0]))[0]
    #expect(y.shape == [1, 2, 2])
    #expect(try y.floats() == [4, 5, 0, 1])
    #expect(throws: OperatorError.self) { try evaluate(Gather(), ramp(3, 2), Tensor([1], integers: [3])) }
  }

  @Test func scatterWritesWhatGatherReads() throws {
    let indices = Tensor([2, 2], integers: [1, 0, 2, 2])
    let x = ramp(3, 2)
    let y = try evaluate(GatherElements(axis: 0), x, indices)[0]
    #expect(try y.floats() == [2, 1, 4, 5])
    #expect(try evaluate(ScatterElements(axis: 0), x, indices, y)[0].floats() == x.floats())
    #expect(try evaluate(ScatterElements(axis: 0, reduction: .add), x, indices, y)[0].floats() == [0, 2, 4, 3, 8, 10])
  }

  @Test func indexVectorsNameSlices() throws {
    let x = ramp(2, 2, 2)
    let y = try evaluate(GatherND(), x, Tensor([2, 1], integers: [1, 0]))[0]
    #expect(try y.floats() == [4, 5, 6, 7, 0, 1, 2, 3])
    let batched = try evaluate(GatherND(batchAxes: 1), x, Tensor([2, 1], integers: [1, 0]))[0]
    #expect(batched.shape == [2, 2])
    #expect(try batched.floats() == [2, 3, 4, 5])
    #expect(
      try evaluate(ScatterND(reduction: .max), x, Tensor([1, 3], integers: [0, 0, 0]), Tensor([1], floats: [9]))[0]
        .floats()[0] == 9)
  }

  @Test(
    arguments: [
      (Pad.Mode.constant, [7, 7, 0, 1, 2, 7]), (.edge, [0, 0, 0, 1, 2, 2]), (.reflect, [2, 1, 0, 1, 2, 1]),
      (.wrap, [1, 2, 0, 1, 2, 0]),
    ] as [(Pad.Mode, [Float])])
  func padding(_ mode: Pad.Mode, _ expected: [Float]) throws {
    #expect(try evaluate(Pad(mode), ramp(3), extents([2, 1]), Tensor([], floats: [7]))[0].floats() == expected)
  }

  @Test func negativePadsCrop() throws {
    #expect(try evaluate(Pad(), ramp(4), extents([-1, -1]))[0].floats() == [1, 2])
  }

  @Test(arguments: [PixelShuffle.Direction.depthFirst, .columnFirst]) func pixelShuffleKeepsEveryElement(
    _ direction: PixelShuffle.Direction
  ) throws {
    let x = ramp(1, 8, 2, 3)
    let y = try evaluate(PixelShuffle(direction, block: 2), x)[0]
    #expect(y.shape == [1, 2, 4, 6])
    #expect(try y.floats().sorted() == x.floats())
    if direction == .depthFirst {
      #expect(try evaluate(PixelShuffle(.spaceToDepth, block: 2), y)[0].floats() == x.floats())
    }
  }

  @Test func resizeOfEachMode() throws {
    let scale = Tensor([1], floats: [2])
    let x = Tensor([2], floats: [0, 10])
    func resize(_ operation: Resize) throws -> [Float] { try evaluate(operation, x, nil, scale)[0].floats() }
    #expect(try resize(Resize(.nearest, coordinates: .asymmetric, rounding: .floor)) == [0, 0, 10, 10])
    #expect(try resize(Resize(.linear)) == [0, 2.5, 7.5, 10])
    #expect(try resize(Resize(.linear, coordinates: .alignCorners)).last == 10)
    #expect(try resize(Resize(.linear, coordinates: .asymmetric)) == [0, 5, 10, 10])
    let cubic = try resize(Resize(.cubic))
    #expect(cubic[0] < 0 && cubic[3] > 10 && abs(cubic[1] + cubic[2] - 10) < 1e-5)
  }

  @Test func resizedExtentsStaySymbolic() throws {
    let context = InferenceContext(
      inputs: [.tensor(TensorType(.float32, [.symbol("h"), 5])), nil, .tensor(TensorType(.float32, [2]))],
      constants: [nil, nil, Constant(Tensor([2], floats: [2, 0.5]))])
    #expect(try Resize().inferTypes(context) == [.tensor(TensorType(.float32, [Dimension.symbol("h") * 2, 2]))])
  }

  @Test func antialiasingAveragesWhatItDrops() throws {
    var operation = Resize(.linear)
    operation.antialias = true
    let y = try evaluate(operation, Tensor([8], floats: [1, 1, 1, 1, 1, 1, 1, 1]), nil, Tensor([1], floats: [0.25]))[0]
    #expect(try y.floats() == [1, 1])
  }

  @Test func uniqueElementsAndWhereTheyWere() throws {
    let y = try evaluate(Unique(), Tensor([5], floats: [3, 1, 3, 2, 1]), outputs: 4)
    #expect(try y[0].floats() == [1, 2, 3])
    #expect(try y[1].integers() == [1, 3, 0])
    #expect(try y[2].integers() == [2, 0, 2, 1, 0])
    #expect(try y[3].integers() == [2, 1, 2])
    #expect(try evaluate(Unique(isSorted: false), Tensor([3], floats: [3, 1, 3]))[0].floats() == [3, 1])
  }

  @Test func selectionByPositionAndTruth() throws {
    #expect(try evaluate(NonZero(), Tensor([2, 2], floats: [1, 0, 0, 1]))[0].integers() == [0, 1, 0, 1])
    #expect(
      try evaluate(Compress(axis: 1), ramp(2, 2), Tensor(.bool, [2], .bool([false, true])))[0].floats() == [1, 3])
    let hot = try evaluate(
      OneHot(), Tensor([2], integers: [1, -1]), Tensor([], integers: [3]), Tensor([2], floats: [0, 1]))[0]
    #expect(try hot.floats() == [0, 1, 0, 0, 0, 1])
    #expect(try evaluate(Triangle(isUpper: false), ramp(2, 2))[0].floats() == [0, 0, 2, 3])
    #expect(try evaluate(ReverseSequence(), ramp(3, 1), extents([2]))[0].floats() == [1, 0, 2])
    #expect(try evaluate(CenterCropPad(), ramp(3), extents([5]))[0].floats() == [0, 0, 1, 2, 0])
    #expect(try evaluate(Tile(), ramp(1, 2), extents([2, 2]))[0].floats() == [0, 1, 0, 1, 0, 1, 0, 1])
  }

  @Test func viewsCostNothing() throws {
    func computation(_ operation: any Operator, _ shape: [Int]) throws -> Computation {
      let types: [ValueType?] = [.tensor(TensorType(.float32, shape))]
      let outputs = try operation.inferTypes(InferenceContext(inputs: types))
      return try operation.computation(OperandTypes(inputs: types, outputs: outputs, isConstant: [false]))
    }
    #expect(try computation(Transpose([1, 0]), [1, 5]).isView)
    #expect(try !computation(Transpose([1, 0]), [2, 5]).isView)
    #expect(try computation(Flatten(), [2, 5]).isView)
    #expect(try computation(Cast(to: .float32), [2]).isView)
  }

  @Test func randomTensorsFollowTheirSeed() throws {
    let operation = RandomTensor(.normal, first: 5, second: 2, shape: [4000], seed: 3)
    let x = try evaluate(operation)[0].floats()
    let mean = x.reduce(0, +) / 4000
    let deviation = (x.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 4000).squareRoot()
    #expect(abs(mean - 5) < 0.15 && abs(deviation - 2) < 0.1)
    #expect(try evaluate(operation)[0].floats() == x)
    #expect(operation.isNondeterministic)
    let draws = try evaluate(Multinomial(sampleCount: 300, seed: 1), Tensor([1, 3], floats: [-.infinity, 0, 0]))[0]
      .integers()
    #expect(Set(draws) == [1, 2])
  }
}
