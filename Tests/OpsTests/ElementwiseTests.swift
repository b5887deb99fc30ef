import IR
import Ops
import Testing

@Suite struct ElementwiseTests {
  @Test(
    arguments: [
      (BinaryElementwise.Function.add, 3, [5, 0]), (.sub, 3, [-1, -6]), (.mul, 3, [6, -9]), (.div, 2, [1, -1]),
      (.mod, 5, [2, 2]),
      (.fmod, 5, [2, -3]), (.pow, 3, [8, -27]), (.bitwiseXor, 3, [1, -2]), (.shiftLeft, 2, [8, -12]),
    ] as [(BinaryElementwise.Function, Int64, [Int64])])
  func integerArithmetic(_ function: BinaryElementwise.Function, by b: Int64, gives expected: [Int64]) throws {
    let y = try evaluate(BinaryElementwise(function), Tensor([2], integers: [2, -3]), Tensor([], integers: [b]))[0]
    #expect(try y.integers() == expected)
  }

  @Test func divisionByZeroOfIntegersIsNoTrap() throws {
    let y = try evaluate(BinaryElementwise(.div), Tensor([2], integers: [1, .min]), Tensor([2], integers: [0, -1]))
    #expect(try y[0].integers() == [0, .min])
  }

  @Test func narrowIntegersWrap() throws {
    let a = Tensor(.uint8, [2], .uint8([250, 3]))
    #expect(try evaluate(BinaryElementwise(.add), a, a)[0].integers() == [244, 6])
    #expect(try evaluate(BinaryElementwise(.sub), a, Tensor(.uint8, [], .uint8([4])))[0].integers() == [246, 255])
  }

  @Test(arguments: [([2, 3], [3]), ([2, 1], [1, 3]), ([3], [2, 1]), ([], [2, 3]), ([2, 1, 2], [3, 1])])
  func broadcastingAgreesWithTheDefinition(_ left: [Int], _ right: [Int]) throws {
    func ramp(_ shape: [Int], _ scale: Float) -> Tensor {
      Tensor(shape, floats: (0..<shape.reduce(1, *)).map { Float($0) * scale })
    }
    let (a, b) = (ramp(left, 1), ramp(right, 10))
    let y = try evaluate(BinaryElementwise(.add), a, b)[0]
    let (x, z) = (try evaluate(Expand(), a, extents(y.shape))[0], try evaluate(Expand(), b, extents(y.shape))[0])
    #expect(try zip(x.floats(), z.floats()).map { $0 + $1 } == y.floats())
    #expect(
      try infer(BinaryElementwise(.add), left.map(Dimension.constant), right.map(Dimension.constant)) == [
        .tensor(y.type)
      ])
  }

  @Test(arguments: UnaryElementwise.Function.allCases)
  func singlePrecisionAgreesWithDouble(_ function: UnaryElementwise.Function) throws {
    let values = stride(from: -3.0, through: 3.0, by: 0.25).map { $0 }
    let single = try evaluate(UnaryElementwise(function), Tensor(.float32, [25], rounding: values))[0].doubles()
    let double = try evaluate(UnaryElementwise(function), Tensor(.float64, [25], rounding: values))[0].doubles()
    for (a, b) in zip(single, double) { #expect(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-6 * max(abs(b), 1)) }
  }

  @Test(arguments: UnaryElementwise.Function.allCases)
  func everyFunctionHasAnONNXSpellingThatMeansTheSame(_ function: UnaryElementwise.Function) throws {
    let spelling = UnaryElementwise(function).exportONNX()
    let kind = try #require(OperatorCatalog.byONNXName[spelling.name])
    let attributes = Dictionary(uniqueKeysWithValues: spelling.attributes.map { ($0.name, $0.value) })
    var node = ONNXNode(name: spelling.name, opset: 22, inputs: [.value(ValueID(0))], outputCount: 1, attributes: attributes)
    let x = Tensor(.float64, [2], rounding: [0.5, 0.75])
    let (a, b) = (try evaluate(UnaryElementwise(function), x)[0], try evaluate(kind.importONNX(&node), x)[0])
    #expect(try zip(a.doubles(), b.doubles()).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) || abs($0 - $1) < 1e-12 })
  }

  @Test func oldBroadcastingAlignsAtItsAxis() throws {
    var node = ONNXNode(
      name: "Add", opset: 6, inputs: [.value(ValueID(0)), .value(ValueID(1))],
      inputTypes: [.tensor(TensorType(.float32, [2, 3, 4, 5])), .tensor(TensorType(.float32, [3, 4]))], outputCount: 1,
      attributes: ["axis": .integer(1), "broadcast": .integer(1)])
    #expect(try BinaryElementwise.importONNX(&node) == BinaryElementwise(.add))
    guard case .unsqueezed(ValueID(1), axes: [2]) = node.inputs[1] else { Issue.record("\(node.inputs[1])"); return }
    #expect(node.remainingAttributes.isEmpty)
  }

  @Test func comparisonsOfTextsAndUnsignedNumbers() throws {
    let texts = Tensor(.string, [2], .string(["a", "b"]))
    #expect(
      try evaluate(BinaryElementwise(.equal), texts, Tensor(.string, [1], .string(["b"])))[0].doubles() == [0, 1])
    let large = Tensor(.uint64, [1], .int64([-1]))
    #expect(try evaluate(BinaryElementwise(.greater), large, Tensor(.uint64, [1], .int64([1])))[0].doubles() == [1])
  }

  @Test func largestOfManyKeepsNaN() throws {
    let y = try evaluate(
      VariadicElementwise(.max), Tensor([3], floats: [1, .nan, 3]), Tensor([3], floats: [2, 0, .nan]),
      Tensor([1], floats: [0]))[0]
    #expect(try y.floats()[0] == 2)
    #expect(try y.floats()[1...].allSatisfy(\.isNaN))
  }

  @Test func clipWithOneBoundAndOldAttributes() throws {
    #expect(
      try evaluate(Clip(), Tensor([3], floats: [-1, 0, 9]), nil, Tensor([], floats: [6]))[0].floats() == [-1, 0, 6])
    var node = ONNXNode(
      name: "Clip", opset: 6, inputs: [.value(ValueID(0))], inputTypes: [.tensor(TensorType(.float32, [3]))],
      outputCount: 1,
      attributes: ["max": .float(6)])
    _ = try Clip.importONNX(&node)
    #expect(node.inputs.count == 3)
    guard case .absent = node.inputs[1], case .constant(let bound) = node.inputs[2] else {
      Issue.record("bounds"); return
    }
    #expect(try Tensor(bound)?.floats() == [6])
  }

  @Test(
    arguments: [
      (ElementType.int8, [-1.5, 300], [-1.0, 44]), (.uint8, [255.9, 3], [255, 3]), (.bool, [0, 0.2], [0, 1]),
      (.int4, [-9, 2.5], [-8, 2]), (.float16, [1e6, 2049], [.infinity, 2048]), (.bfloat16, [257, 1], [256, 1]),
      (.float8e4m3, [1000, 17], [448, 16]), (.float8e5m2, [1e9, -1], [57344, -1]),
    ] as [(ElementType, [Double], [Double])])
  func castsRoundAndSaturate(_ to: ElementType, _ values: [Double], _ expected: [Double]) throws {
    let x = Tensor(.float32, [2], rounding: values)
    #expect(try evaluate(Cast(to: to), x)[0].doubles() == expected)
    #expect(try evaluate(CastLike(), x, Tensor.zero(to))[0].doubles() == expected)
  }

  @Test(arguments: [(ElementType.float8e4m3, 464, 448), (.float8e5m2, 61439, 57344)] as [(ElementType, Float, Float)])
  func castWithoutSaturationOverflowsWhereTheNextNumberBegins(_ to: ElementType, _ last: Float, _ largest: Float) throws {
    let y = try evaluate(Cast(to: to, saturates: false), Tensor([3], floats: [last, last * 1.01, .infinity]))[0]
      .floats()
    #expect(y[0] == largest)
    #expect(!y[1].isFinite && !y[2].isFinite)
  }

  @Test func textsAndNumbersConvert() throws {
    let texts = Tensor(.string, [4], .string(["0.5", "-INF", "NaN", "12"]))
    let numbers = try evaluate(Cast(to: .float32), texts)[0]
    #expect(try numbers.floats()[..<2] == [0.5, -.infinity])
    #expect(try evaluate(Cast(to: .string), numbers)[0].strings() == ["0.5", "-INF", "NaN", "12.0"])
    #expect(throws: OperatorError.self) { try evaluate(Cast(to: .int64), Tensor(.string, [1], .string(["x"]))) }
  }

  @Test(arguments: ElementType.allCases.filter { $0 != .string && $0 != .complex64 && $0 != .complex128 })
  func constantsKeepTheirElements(_ element: ElementType) throws {
    let tensor = Tensor(element, [3], saturating: [0, 1, -1])
    let back = try #require(Tensor(Constant(tensor)))
    #expect(back.elements == tensor.elements)
    #expect(tensor.packedBytes.count == element.bytes(3))
  }

  @Test func whereChoosesWithBroadcasting() throws {
    let condition = Tensor(.bool, [2, 1], .bool([true, false]))
    let y = try evaluate(Where(), condition, Tensor([2], floats: [1, 2]), Tensor([], floats: [0]))[0]
    #expect(y.shape == [2, 2])
    #expect(try y.floats() == [1, 2, 0, 0])
  }

  @Test(
    arguments: [
      (ParametricUnary(.leakyRelu, alpha: 0.5), -2, -1), (ParametricUnary(.hardSigmoid), 0, 0.5),
      (ParametricUnary(.thresholdedRelu, alpha: 1), 1, 0), (ParametricUnary(.shrink, alpha: 1, beta: 0.5), -3, -2.5),
      (ParametricUnary(.selu), 0, 0), (ParametricUnary(.elu), 4, 4), (ParametricUnary(.celu), -40, -1),
    ] as [(ParametricUnary, Float, Float)])
  func parametricFunctions(_ operation: ParametricUnary, _ x: Float, _ expected: Float) throws {
    #expect(abs(try evaluate(operation, Tensor([1], floats: [x]))[0].floats()[0] - expected) < 1e-6)
  }
}

/// A shape as the integer input of an operator.
func extents(_ values: [Int]) -> Tensor { Tensor([values.count], integers: values.map(Int64.init)) }
