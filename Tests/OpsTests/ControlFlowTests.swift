import IR
import Ops
import Testing

@Suite struct ControlFlowTests {
  private func number(_ value: Int64) -> Datum { .tensor(Tensor([], integers: [value])) }
  private func truth(_ value: Bool) -> Datum { .tensor(Tensor(.bool, [], .bool([value]))) }

  @Test func branchIsChosenByTheCondition() throws {
    let context = EvaluationContext { (region: Int, captures: [Datum?]) throws(OperatorError) -> [Datum] in
      region == 0 ? captures.compactMap { $0 } : []
    }
    #expect(try If().evaluate([truth(true), number(4)], context).first?.tensor?.integers() == [4])
    #expect(try If().evaluate([truth(false), number(4)], context).isEmpty)
  }

  @Test func branchesOfDifferentShapesJoin() throws {
    let (a, b) = (ValueType.tensor(TensorType(.float32, [2, 3])), ValueType.tensor(TensorType(.float32, [2, 4])))
    let condition = ValueType.tensor(TensorType(.bool, [Int]()))
    let types = try If().inferTypes(InferenceContext(inputs: [condition], regionOutputs: [[a], [b]], nodeName: "if"))
    #expect(types == [.tensor(TensorType(.float32, [2, .symbol("if.0.axis1")]))])
    let known = InferenceContext(inputs: [condition], contents: [[0]], regionOutputs: [[a], [b]])
    #expect(try If().inferTypes(known) == [b])
  }

  /// Doubles the carried value and collects it until it exceeds the captured limit.
  private let doubling = EvaluationContext(outputCount: 2) {
    (_: Int, inputs: [Datum?]) throws(OperatorError) -> [Datum] in
    let value = try inputs.tensor(2).integers()[0] * 2
    let goesOn = value <= (try inputs.tensor(3).integers()[0])
    return [
      .tensor(Tensor(.bool, [], .bool([goesOn]))), .tensor(Tensor([], integers: [value])),
      .tensor(Tensor([1], integers: [value])),
    ]
  }

  @Test func loopStopsAtItsConditionOrCount() throws {
    let byCondition = try While(carried: 1).evaluate([nil, nil, number(1), number(5)], doubling)
    #expect(byCondition[0].tensor.map { try? $0.integers() } == [8])
    #expect(byCondition[1].tensor?.shape == [3, 1])
    let byCount = try While(carried: 1).evaluate([number(2), truth(true), number(1), number(100)], doubling)
    #expect(try byCount[1].tensor?.integers() == [2, 4])
    #expect(
      try While(carried: 1).evaluate([number(0), nil, number(1), number(5)], doubling)[0].tensor?.integers() == [1])
  }

  @Test func absentLoopInputsKeepTheirPlaces() throws {
    var node = ONNXNode(
      name: "Loop", opset: 16, inputs: [.value(ValueID(0))], outputCount: 1, attributes: ["body": .region(0)])
    #expect(try While.importONNX(&node) == While(carried: 0))
    #expect(node.inputs.count == 2)
  }

  /// Running sums.
  private let summing = EvaluationContext(outputCount: 2) {
    (_: Int, inputs: [Datum?]) throws(OperatorError) -> [Datum] in
    let sum = try BinaryElementwise.Function.add.apply(try inputs.tensor(0), try inputs.tensor(1))
    return [.tensor(sum), .tensor(sum)]
  }

  @Test func scanRunsOverSlicesInBothDirections() throws {
    let inputs: [Datum?] = [.tensor(Tensor([], floats: [0])), .tensor(Tensor([3], floats: [1, 2, 4]))]
    let forwards = try Scan(states: 1, inputAxes: [0], inputReversed: [false]).evaluate(inputs, summing)
    #expect(try forwards.compactMap(\.tensor).map { try $0.floats() } == [[7], [1, 3, 7]])
    let backwards = try Scan(states: 1, inputAxes: [-1], inputReversed: [true], outputReversed: [true]).evaluate(
      inputs, summing)
    #expect(try backwards[1].tensor?.floats() == [7, 6, 4])
  }

  @Test func scanCountsItsSlices() throws {
    let types: [ValueType?] = [.tensor(TensorType(.float32, [2])), .tensor(TensorType(.float32, [5, 2]))]
    let scan = Scan(states: 1, inputAxes: [0], inputReversed: [false])
    let slice = ValueType.tensor(TensorType(.float32, [2]))
    let outputs = try scan.inferTypes(InferenceContext(inputs: types, regionOutputs: [[slice, slice]]))
    #expect(outputs[1] == .tensor(TensorType(.float32, [5, 2])))
    guard case .loop(let loop) = try scan.computation(OperandTypes(inputs: types, outputs: outputs, isConstant: []))
    else {
      Issue.record("no loop")
      return
    }
    #expect(loop.tripCount == 5)
  }

  @Test func sequencesAreEditedFromBothEnds() throws {
    let sequence = Datum.sequence([number(1), number(2)])
    let inserted = try SequenceInsert().evaluate([sequence, number(9), number(-1)], EvaluationContext())
    #expect(try inserted.map { $0 }.sequence(0).map { try $0.tensor?.integers().first } == [1, 9, 2])
    #expect(try SequenceErase().evaluate([sequence], EvaluationContext()).map { $0 }.sequence(0).count == 1)
    #expect(throws: OperatorError.self) { try SequenceAt().evaluate([sequence, number(2)], EvaluationContext()) }
    #expect(try SequenceLength().evaluate([sequence], EvaluationContext())[0].tensor?.integers() == [2])
  }

  @Test func splittingToASequenceAndJoiningIsTheIdentity() throws {
    let x = ramp(5, 2)
    let parts = try SplitToSequence().evaluate([.tensor(x), number(2)], EvaluationContext())
    #expect(try parts.map { $0 }.sequence(0).compactMap { $0.tensor?.shape[0] } == [2, 2, 1])
    #expect(try ConcatFromSequence(axis: 0).evaluate(parts, EvaluationContext())[0].tensor?.floats() == x.floats())
  }

  @Test func optionalValues() throws {
    let missing = try OptionalValue(element: .float32).evaluate([], EvaluationContext())
    #expect(try OptionalHasElement().evaluate(missing, EvaluationContext())[0].tensor?.doubles() == [0])
    #expect(throws: OperatorError.self) { try OptionalGetElement().evaluate(missing, EvaluationContext()) }
    let there = try OptionalValue().evaluate([number(3)], EvaluationContext())
    #expect(try OptionalGetElement().evaluate(there, EvaluationContext())[0].tensor?.integers() == [3])
  }

  @Test func textOperators() throws {
    let words = Tensor(.string, [2], .string(["a,b,c", ""]))
    let parts = try evaluate(StringSplit(delimiter: ",", maximumCuts: 1), words, outputs: 2)
    #expect(try parts[0].strings() == ["a", "b,c", "", ""])
    #expect(try parts[1].integers() == [2, 1])
    #expect(try evaluate(StringSplit(), Tensor(.string, [1], .string(["  x  y "])))[0].strings() == ["x", "y"])
    #expect(try evaluate(RegexFullMatch(pattern: "[ab,c]*"), words)[0].doubles() == [1, 1])
    let normal = StringNormalizer(caseChange: .upper, stopWords: ["B"])
    #expect(try evaluate(normal, Tensor(.string, [2], .string(["a", "b"])))[0].strings() == ["A"])
    #expect(try evaluate(StringConcat(), words, Tensor(.string, [], .string(["!"])))[0].strings() == ["a,b,c!", "!"])
  }

  @Test func nGramsAreCountedWithSkips() throws {
    let operation = TfIdfVectorizer(
      mode: .termFrequency, lengths: 1...2, maximumSkip: 1, poolStarts: [0, 1], pool: ["1", "1", "3"],
      hasIntegers: true,
      places: [0, 1], weights: [])
    #expect(try evaluate(operation, Tensor([4], integers: [1, 2, 3, 1]))[0].floats() == [2, 1])
  }
}
