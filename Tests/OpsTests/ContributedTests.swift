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
}
