import IR
import Ops
import Testing

/// Contents an operator derives for integer vectors of known or symbolic elements.
func contents(_ operation: any Operator, _ inputs: ShapeContents..., scalars: Set<Int> = []) -> ShapeContents? {
  let types = inputs.enumerated().map { index, input in
    ValueType.tensor(TensorType(.int64, scalars.contains(index) ? [] : [input.count]))
  }
  return operation.inferContents(InferenceContext(inputs: types, contents: inputs)).first ?? nil
}

/// The shape an operator infers when it knows the contents of its integer inputs.
func shape(_ operation: any Operator, _ x: [Dimension], _ known: ShapeContents?...) throws -> [Dimension]? {
  let types: [ValueType?] =
    [.tensor(TensorType(.float32, x))] + known.map { list in list.map { .tensor(TensorType(.int64, [$0.count])) } }
  let context = InferenceContext(inputs: types, contents: [nil] + known, nodeName: "node")
  return try operation.inferTypes(context).first?.tensor?.shape
}

private let n = Dimension.symbol("n")
private let s = Dimension.symbol("s")

@Suite struct ShapeArithmeticTests {
  @Test func shapeOfGivesSymbols() throws {
    let context = InferenceContext(inputs: [.tensor(TensorType(.float32, [n, 3, s]))])
    #expect(ShapeOf(start: -2).inferContents(context) == [[3, s]])
    #expect(try ShapeOf(end: 1).inferTypes(context) == [.tensor(TensorType(.int64, [1]))])
    #expect(SizeOf().inferContents(context) == [[n * s * 3]])
  }

  @Test func attentionHeadsReshape() throws {
    // Shape → Gather → Unsqueeze → Concat → Reshape, as exporters write the split into heads.
    let batch = try #require(contents(Gather(), [n, s, 768], [0], scalars: [1]))
    let joined = try #require(contents(Concatenate(axis: 0), batch, [-1, 12, 64]))
    #expect(try shape(Reshape(), [n, s, 768], joined) == [n, s, 12, 64])
    #expect(try shape(Reshape(), [n, s, 12, 64], [0, 0, 768]) == [n, s, 768])
  }

  @Test func arithmeticOnExtents() {
    #expect(contents(BinaryElementwise(.add), [n, 4], [1]) == [n + 1, 5])
    #expect(contents(BinaryElementwise(.div), [n * 4], [2]) == [n * 2])
    #expect(contents(BinaryElementwise(.equal), [n, 2], [n, 3]) == [1, 0])
    #expect(contents(Slice(), [n, s, 3, 4], [-2], [100]) == [3, 4])
    #expect(contents(NumberRange(), [0], [3], [1], scalars: [0, 1, 2]) == [0, 1, 2])
    #expect(contents(VariadicElementwise(.max), [1, 2], [3, 0]) == [3, 2])
  }

  @Test func symbolicSlices() throws {
    #expect(try shape(Slice(), [n, 8], [0], [-1]) == [n - 1, 8])
    #expect(try shape(Slice(), [n, 8], [0], [n]) == [n, 8])
    #expect(try shape(Slice(), [n, 8], [0], [1_000_000_000]) == [n, 8])
    #expect(try shape(Slice(), [n, 8], [1], [.constant(Int.max)], [0], [2]) == [(n - 1).ceilingDivided(by: 2), 8])
    #expect(try shape(Slice(), [n, 8], [-1], [.constant(Int.min)], [0], [-1]) == [n, 8])
    for extent in 1...6 {
      for (start, end) in [(1, 5), (-3, 9), (0, -2)] {
        let symbolic = try shape(Slice(), [n], [.constant(start)], [.constant(end)])?.first?.bound(["n": extent])
        #expect(
          max(symbolic?.constant ?? -1, 0)
            == (try shape(Slice(), [.constant(extent)], [.constant(start)], [.constant(end)]))?.first?.constant)
      }
    }
  }

  @Test func extentsOfOtherShapeOperators() throws {
    #expect(try shape(Expand(), [1, 4], [n, 1]) == [n, 4])
    #expect(try shape(Tile(), [n, 4], [2, 1]) == [n * 2, 4])
    #expect(try shape(Pad(), [n, 4], [1, 0, 2, 0]) == [n + 3, 4])
    #expect(try shape(Unsqueeze(), [n, 4], [0, -1]) == [1, n, 4, 1])
    #expect(try shape(Squeeze(), [1, n, 1], [0]) == [n, 1])
    #expect(try shape(Flatten(axis: 1), [n, 3, 4]) == [n, 12])
    #expect(try shape(ConstantOfShape(), [2], []) != nil)
  }

  @Test func impossibleShapesAreNamed() {
    #expect(label { try shape(Reshape(), [2, 3], [4, -1]) } == "elements-match")
    #expect(label { try shape(Reshape(), [2, 3], [-1, -1]) } == "reshape-one-open")
    #expect(label { try shape(Squeeze(), [2], [0]) } == "squeeze-extent")
    #expect(label { try shape(Unsqueeze(), [2], [0, 0]) } == "axes-distinct")
    #expect(label { try shape(Slice(), [2], [0], [1], [0], [0]) } == "slice-ranges")
    #expect(label { try evaluate(Expand(), Tensor([1], floats: [1]), extents([1 << 40, 1 << 40])) } == "too-large")
  }

  @Test func unknownExtentsGetFreshSymbols() throws {
    let context = InferenceContext(
      inputs: [.tensor(TensorType(.float32, [4])), .tensor(TensorType(.int64, [2]))], nodeName: "node")
    #expect(
      try Reshape().inferTypes(context) == [
        .tensor(TensorType(.float32, [.symbol("node.axis0"), .symbol("node.axis1")]))
      ])
  }

  private func label(_ body: () throws -> Any?) -> String? {
    do { _ = try body() } catch { return (error as? OperatorError)?.label }
    return nil
  }
}
