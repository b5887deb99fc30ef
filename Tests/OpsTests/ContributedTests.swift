import Foundation
import IR
import Ops
import Testing

@Suite struct ContributedTests {
  @Test func packedAttentionEqualsProductAndAttention() throws {
    let x = Tensor([1, 2, 2], floats: [1, 2, 3, 4])
    // Identity for queries, keys and values.
    let weight = Tensor([2, 6], floats: [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1])
    let op = PackedAttention(heads: 1, isCausal: true, scale: nil, widths: [], maskValue: -10000)
    let heads = x.reshaped([1, 1, 2, 2])
    let expected = try evaluate(ScaledDotProductAttention(isCausal: true), heads, heads, heads)[0].floats()
    #expect(try evaluate(op, x, weight)[0].floats() == expected)
  }

  @Test func multiHeadAttentionSplitsRows() throws {
    let x = Tensor([1, 1, 4], floats: [1, 2, 3, 4])
    let op = MultiHeadAttention(heads: 2, isCausal: false, scale: nil, maskValue: -10000)
    let y = try evaluate(op, x, x, x, outputs: 3)
    #expect(try y[0].floats() == [1, 2, 3, 4])
    #expect(y[1].shape == [1, 2, 1, 2])
  }

  @Test func groupedAttentionExtendsItsCache() throws {
    let op = GroupQueryAttention(heads: 2, keyHeads: 1, scale: nil, window: nil, rotates: false, rotatesInterleaved: false, cap: 0)
    let q = Tensor([1, 1, 2], floats: [0, 0])
    let new = Tensor([1, 1, 1], floats: [4])
    let past = Tensor([1, 1, 1, 1], floats: [2])
    let y = try evaluate(
      op, q, new, new, past, past, Tensor(.int32, [1], .int32([1])), Tensor(.int32, [], .int32([2])), outputs: 3)
    #expect(try y[0].floats() == [3, 3])
    #expect(try y[1].floats() == [2, 4])
  }

  @Test func skipNormalizationGivesTheSumToo() throws {
    let x = Tensor([1, 1, 2], floats: [1, 2])
    let ones = Tensor([2], floats: [1, 1])
    let y = try evaluate(SkipNormalization(isSimplified: true, epsilon: 0), x, x, ones, outputs: 4)
    #expect(try y[3].floats() == [2, 4])
    let root = (Float(20) / 2).squareRoot()
    #expect(abs(try y[0].floats()[1] - 4 / root) < 1e-6)
  }

  @Test func fusedProductMovesTheStackInside() throws {
    let a = Tensor([2, 1, 2], floats: [1, 2, 3, 4])
    let b = Tensor([1, 2, 2], floats: [1, 0, 0, 1])
    let y = try evaluate(FusedMatrixMultiply(alpha: 2, stacksInsideA: true), a, b)[0]
    #expect(y.shape == [1, 2, 2])
    #expect(try y.floats() == [2, 4, 6, 8])
  }

  @Test func embeddingsAddUp() throws {
    var node = ONNXNode(
      name: ONNXName(domain: "com.microsoft", "EmbedLayerNormalization"), opset: 1, inputs: [], outputCount: 3, attributes: [:])
    let op = try EmbeddingNormalization.importONNX(&node)
    let table = Tensor([2, 2], floats: [1, 2, 3, 5])
    let y = try evaluate(
      op, Tensor(.int32, [1, 1], .int32([1])), nil, table, table, nil, Tensor([2], floats: [1, 1]), Tensor([2], floats: [0, 0]),
      outputs: 3)
    #expect(try y[2].floats() == [4, 7])
  }

  @Test func theDefaultKindOfMaskIsNotSpelledOut() throws {
    for (kind, names) in [(0, ["epsilon"]), (1, ["epsilon", "mask_index_type"])] {
      var node = ONNXNode(
        name: ONNXName(domain: "com.microsoft", "EmbedLayerNormalization"), opset: 1, inputs: [], outputCount: 2,
        attributes: ["mask_index_type": .integer(kind)])
      #expect(try EmbeddingNormalization.importONNX(&node).exportONNX().attributes.map(\.name) == names)
    }
  }

  @Test func inverseExchangesRowsWhereItMust() throws {
    let y = try evaluate(MatrixInverse(), Tensor([1, 2, 2], floats: [0, 1, 2, 0]))[0]
    #expect(y.shape == [1, 2, 2])
    #expect(try y.floats() == [0, 0.5, 1, 0])
    #expect(throws: OperatorError.self) { try evaluate(MatrixInverse(), Tensor([2, 2], floats: [1, 2, 2, 4])) }
    #expect(throws: OperatorError.self) { try infer(MatrixInverse(), [2, 3]) }
  }

  @Test(arguments: [(0, [1, 2, 3]), (1, [2, 1, 3]), (-1, [2, 3, 1])] as [(Int64, [Int])])
  func anAxisIsInserted(_ axis: Int64, _ expected: [Int]) throws {
    let y = try evaluate(InsertAxis(), Tensor([2, 3], floats: [1, 2, 3, 4, 5, 6]), Tensor(.int32, [], .int32([Int32(axis)])))[0]
    #expect(y.shape == expected)
  }

  @Test func groupNormalizationOfImagesEqualsThePlainOne() throws {
    let x = Tensor([1, 4, 1, 3], floats: (0..<12).map { Float($0 * $0) })
    let (scale, bias) = (Tensor([4], floats: [1, 2, 3, 4]), Tensor([4], floats: [0, 1, 0, 1]))
    let plain = try evaluate(GroupNormalization(groups: 2), x, scale, bias)[0].floats()
    #expect(try evaluate(ImageGroupNormalization(groups: 2, layout: .channelsFirst), x, scale, bias)[0].floats() == plain)
    let turned = try evaluate(Transpose([0, 2, 3, 1]), x)[0]
    let y = try evaluate(ImageGroupNormalization(groups: 2), turned, scale, bias)[0]
    #expect(try evaluate(Transpose([0, 3, 1, 2]), y)[0].floats() == plain)
  }

  @Test func codebookWeightsComeHighHalfFirst() throws {
    // Codes 3 and 9 of FP4: 1 and -1/192; NF4: -0.3949 and 0.1609. One scale of 2.
    let packed = Tensor(.uint8, [1], .uint8([0x39]))
    let (a, scale) = (Tensor([1, 2], floats: [1, 192]), Tensor([1], floats: [2]))
    let fp4 = CodebookMatrixMultiply(code: .fp4, depth: 2, columns: 1, blockSize: 16)
    #expect(abs(try evaluate(fp4, a, packed, scale)[0].floats()[0]) < 1e-4)
    let nf4 = CodebookMatrixMultiply(code: .nf4, depth: 2, columns: 1, blockSize: 16, transposesB: false)
    let y = try evaluate(nf4, Tensor([1, 1], floats: [1]), packed, scale)[0].floats()
    #expect(abs(y[0] + 0.78983) < 1e-4 && abs(y[1] - 0.32186) < 1e-4)
  }

  @Test func mixtureAddsTheChosenExperts() throws {
    // Two experts that double and triple; the router gives them ¾ and ¼.
    let x = Tensor([1, 1], floats: [2])
    let logits = Tensor([1, 3], floats: [Float(3).logarithm, 0, -40])
    let (first, second) = (Tensor([3, 1, 1], floats: [2, 3, 100]), Tensor([3, 1, 1], floats: [1, 1, 1]))
    let both = ExpertMixture(chosen: 2, activation: .identity, normalizesWeights: true)
    #expect(abs(try evaluate(both, x, logits, first, nil, second)[0].floats()[0] - 4.5) < 1e-5)
    let best = ExpertMixture(chosen: 1, activation: .identity)
    #expect(abs(try evaluate(best, x, logits, first, nil, second)[0].floats()[0] - 3) < 1e-5)
    #expect(throws: OperatorError.self) { try evaluate(ExpertMixture(chosen: 4), x, logits, first, nil, second) }
  }

  @Test func machinesSeeEveryProductOfAMixture() throws {
    let types = [[6, 16], [6, 4], [4, 64, 8], [4, 64], [4, 64], [4, 16, 16], [4, 16]].map {
      ValueType.tensor(TensorType(.float32, $0))
    }
    let mixture = ExpertMixture(chosen: 2, activation: .swiglu, fusion: 1, bits: 4)
    let operands = OperandTypes(
      inputs: types, outputs: [.tensor(TensorType(.float32, [6, 16]))], isConstant: [Bool](repeating: false, count: 7))
    guard case .loop(let loop) = try mixture.computation(operands) else { throw OperatorError("test", "a loop is expected") }
    let products = loop.body.compactMap { if case .contraction(let product) = $0 { product } else { nil } }
    #expect(products.map { [$0.m, $0.n, $0.k] } == [[12, 64, 16], [12, 16, 32]])
    #expect(products.allSatisfy { $0.experts == 4 && $0.rhs.storage == .uint4 })
  }
}

extension Float {
  fileprivate var logarithm: Float { Float(Foundation.log(Double(self))) }
}
