import IR
import Ops
import Testing

/// Contributed operators of decoders and of sequences without padding, against numbers worked out by hand.
@Suite struct DecoderOperatorTests {
  private func integers(_ values: Int32...) -> Tensor { Tensor(.int32, [values.count], .int32(values)) }

  @Test func halvesAreGated() throws {
    // left 1, 2; right 0 + 1 and 1 − 1; gelu(1) = 0.841345, gelu(0) = 0.
    let y = try evaluate(BiasSplitGelu(), Tensor([1, 1, 4], floats: [1, 2, 0, 1]), Tensor([4], floats: [0, 0, 1, -1]))[0]
    #expect(y.shape == [1, 1, 2])
    #expect(abs(try y.floats()[0] - 0.841345) < 1e-6)
    #expect(try y.floats()[1] == 0)
    #expect(throws: OperatorError.self) { try infer(BiasSplitGelu(), [1, 2, 5], [5]) }
  }

  @Test(arguments: [(3, [3]), (2, [3]), (1, [1, 2, 3]), (6, [])] as [(Int, [Int])])
  func repeatedRunsAreHidden(_ length: Int, _ hidden: [Int]) throws {
    // After 1 2 3 1 2 the run 1 2 3 would stand twice, as would 2 3.
    let tokens = Tensor([1, 5], integers: [1, 2, 3, 1, 2])
    let y = try evaluate(BlockRepeatedRuns(length: length), tokens, Tensor([1, 5], floats: [0, 1, 2, 3, 4]))[0].floats()
    for word in 0..<5 { #expect(y[word] == (hidden.contains(word) ? -.infinity : Float(word))) }
  }

  @Test func tokensOutsideTheVocabularyAreErrors() {
    let error = #expect(throws: OperatorError.self) {
      try evaluate(BlockRepeatedRuns(length: 1), Tensor([1, 1], integers: [9]), Tensor([1, 2], floats: [0, 0]))
    }
    #expect(error?.label == "index-range")
  }

  // MARK: Sequences end to end

  private let values = Tensor([3, 1], floats: [5, 1, 3])
  private let zeros = Tensor([3, 1], floats: [0, 0, 0])
  private var places: Tensor { Tensor(.int32, [2, 2], .int32([0, 2, 3, 1])) }

  /// Equal scores: a token gets the mean of the values of its own sequence.
  @Test func everySequenceKeepsToItself() throws {
    let op = UnpaddedAttention(heads: 1)
    #expect(try evaluate(op, zeros, zeros, values, nil, places, integers(0, 1, 3))[0].floats() == [5, 2, 2])
    let bias = Tensor([3], floats: [0, 0, 1])
    #expect(try evaluate(op, zeros, zeros, values, bias, places, integers(0, 1, 3))[0].floats() == [6, 3, 3])
    let packed = Tensor([3, 1, 3, 1], floats: [0, 0, 5, 0, 0, 1, 0, 0, 3])
    #expect(try evaluate(op, packed, nil, nil, nil, places, integers(0, 1, 3))[0].floats() == [5, 2, 2])
    // The second key of every sequence is hidden.
    let addend = Tensor([1, 1, 2, 2], floats: [0, -.infinity, 0, -.infinity])
    #expect(try evaluate(op, zeros, zeros, values, nil, places, integers(0, 1, 3), addend)[0].floats() == [5, 1, 1])
    let error = #expect(throws: OperatorError.self) { try evaluate(op, zeros, zeros, values, nil, places, integers(0, 1, 4)) }
    #expect(error?.label == "sequence-ends")
  }

  @Test func projectionsComeFirst() throws {
    let weight = Tensor([1, 3], floats: [0, 0, 1])
    let bias = Tensor([3], floats: [0, 0, 2])
    let y = try evaluate(UnpaddedPackedAttention(heads: 1), values, weight, bias, places, integers(0, 1, 3))
    #expect(try y[0].floats() == [7, 4, 4])
  }

  @Test func machinesSeeSequencesOfOneLength() throws {
    func type(_ element: ElementType, _ shape: [Int]) -> ValueType { .tensor(TensorType(element, shape)) }
    let inputs: [ValueType?] = [
      type(.float16, [60, 64]), type(.float16, [60, 64]), type(.float16, [60, 64]), nil, type(.int32, [4, 20]), type(.int32, [5]),
    ]
    let op = UnpaddedAttention(heads: 4)
    let y = try op.inferTypes(InferenceContext(inputs: inputs))
    #expect(y == [type(.float16, [60, 64])])
    let cost = try op.computation(OperandTypes(inputs: inputs, outputs: y, isConstant: [Bool](repeating: false, count: 6)))
    guard case .attention(let attention) = cost else { throw OperatorError("test", "attention is expected") }
    #expect([attention.batch, attention.heads, attention.queryLength, attention.keyLength, attention.headDimension] == [4, 4, 15, 15, 16])
  }

  // MARK: One token over a cache

  private func one(_ value: Float) -> Tensor { Tensor([1, 1, 1], floats: [value]) }
  private func cached(_ value: Float) -> Tensor { Tensor([1, 1, 1, 1], floats: [value]) }

  @Test func aTokenReadsItsCache() throws {
    let op = DecoderAttention(heads: 1)
    let y = try evaluate(op, one(0), one(0), one(4), nil, nil, cached(0), cached(2), outputs: 3)
    #expect(try y[0].floats() == [3])
    #expect(y[1].shape == [1, 1, 2, 1])
    #expect(try y[2].floats() == [2, 4])
    // The mask hides the cached token; the bias adds 1 to the new value.
    let mask = Tensor(.int32, [1, 2], .int32([0, 1]))
    let bias = Tensor([3], floats: [0, 0, 1])
    let masked = try evaluate(op, one(0), one(0), one(4), mask, nil, cached(0), cached(2), nil, nil, nil, bias)
    #expect(try masked[0].floats() == [5])
    // Keys and values behind the query; cross-attention over given ones.
    let packed = Tensor([1, 1, 3], floats: [0, 0, 4])
    #expect(try evaluate(op, packed, nil, nil, nil, nil, cached(0), cached(2))[0].floats() == [3])
    let given = Tensor([1, 1, 2, 1], floats: [0, 0])
    #expect(try evaluate(op, one(0), given, Tensor([1, 1, 2, 1], floats: [1, 9]))[0].floats() == [5])
    #expect(throws: OperatorError.self) {
      try evaluate(op, one(0), one(0), one(4), nil, nil, cached(0), cached(2), nil, integers(2))
    }
  }

  /// Keys of 8 floats stand in two chunks of 4, each for all tokens.
  @Test func aSharedCacheTakesTheTokenInItsPlace() throws {
    let first: [Float] = [1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0]
    let keys = Tensor([1, 1, 2, 8], floats: first)
    let values = Tensor([1, 1, 2, 8], floats: [Float](repeating: 2, count: 8) + [Float](repeating: 0, count: 8))
    let (q, k) = (Tensor([1, 1, 8], floats: [Float](repeating: 0, count: 8)), Tensor([1, 1, 8], floats: (9...16).map(Float.init)))
    let v = Tensor([1, 1, 8], floats: [Float](repeating: 4, count: 8))
    let op = DecoderAttention(heads: 1, sharesCache: true)
    let y = try evaluate(op, q, k, v, nil, nil, keys, values, integers(1), outputs: 3)
    #expect(try y[0].floats() == [Float](repeating: 3, count: 8))
    #expect(try y[1].floats() == [1, 2, 3, 4, 9, 10, 11, 12, 5, 6, 7, 8, 13, 14, 15, 16])
    #expect(try y[2].floats() == [Float](repeating: 2, count: 8) + [Float](repeating: 4, count: 8))
    // Only the first chunk of the query counts: q·k is 4 for the old token, 4·ln 2·… for none; the nearer key wins.
    let sharp = Tensor([1, 1, 8], floats: [100, 0, 0, 0, 0, 0, 0, 0])
    #expect(try evaluate(op, sharp, k, v, nil, nil, keys, values, integers(1))[0].floats()[0] == 4)
    let full = #expect(throws: OperatorError.self) { try evaluate(op, q, k, v, nil, nil, keys, values, integers(2)) }
    #expect(full?.label == "cache-shape")
  }

  @Test func aProjectedTokenReadsItsCache() throws {
    let op = PackedDecoderAttention(DecoderAttention(heads: 1))
    let past = Tensor([2, 1, 1, 1, 1], floats: [0, 2])
    let y = try evaluate(op, one(4), Tensor([1, 3], floats: [0, 0, 1]), Tensor([3], floats: [0, 0, 0]), nil, past, outputs: 2)
    #expect(try y[0].floats() == [3])
    #expect(y[1].shape == [2, 1, 1, 2, 1])
    #expect(try y[1].floats() == [0, 0, 2, 4])
  }

  @Test func aSharedCacheIsChargedAsFarAsItIsKnownToBeFilled() throws {
    func type(_ element: ElementType, _ shape: [Int]) -> ValueType { .tensor(TensorType(element, shape)) }
    let row = type(.float16, [2, 1, 64])
    let cache = type(.float16, [2, 4, 100, 16])
    let inputs: [ValueType?] = [row, row, row, nil, nil, cache, cache, type(.int32, [1])]
    let op = DecoderAttention(heads: 4, sharesCache: true)
    let y = try op.inferTypes(InferenceContext(inputs: inputs, outputCount: 3))
    #expect(y == [row, cache, cache])
    func keys(_ filled: Int?) throws -> Int {
      let contents: [ShapeContents?] = [nil, nil, nil, nil, nil, nil, nil, filled.map { [.constant($0)] }]
      let operands = OperandTypes(inputs: inputs, outputs: y, isConstant: [Bool](repeating: false, count: 8), contents: contents)
      guard case .attention(let attention) = try op.computation(operands) else { throw OperatorError("test", "attention is expected") }
      return attention.keyLength
    }
    #expect(try keys(nil) == 100)
    #expect(try keys(30) == 31)
  }
}
