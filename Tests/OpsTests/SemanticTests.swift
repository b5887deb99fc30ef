import IR
import Ops
import Testing

@Suite struct SemanticTests {
  @Test func attentionOfEqualKeysAveragesTheValues() throws {
    let q = Tensor([1, 1, 2, 1], floats: [1, 1])
    let v = Tensor([1, 1, 2, 1], floats: [2, 4])
    #expect(try evaluate(ScaledDotProductAttention(), q, q, v)[0].floats() == [3, 3])
    #expect(try evaluate(ScaledDotProductAttention(isCausal: true), q, q, v)[0].floats() == [2, 3])
    #expect(try evaluate(ScaledDotProductAttention(isCausal: true, window: 1), q, q, v)[0].floats() == [2, 4])
  }

  @Test func booleanMaskHidesKeys() throws {
    let q = Tensor([1, 1, 1, 1], floats: [1])
    let k = Tensor([1, 1, 2, 1], floats: [1, 1])
    let v = Tensor([1, 1, 2, 1], floats: [2, 4])
    #expect(try evaluate(ScaledDotProductAttention(), q, k, v, Tensor(.bool, [2], .bool([false, true])))[0].floats() == [4])
  }

  /// A sink like the only key takes half of the weight; one sink for all heads is as good as one for each.
  @Test func sinksTakeWeight() throws {
    let q = Tensor([1, 2, 1, 1], floats: [0, 0])
    let v = Tensor([1, 2, 1, 1], floats: [2, 4])
    for sinks in [Tensor([2, 1, 1], floats: [0, 0]), Tensor([1], floats: [0])] {
      #expect(try evaluate(ScaledDotProductAttention(), q, q, v, nil, sinks)[0].floats() == [1, 2])
    }
    #expect(throws: OperatorError.self) {
      try infer(ScaledDotProductAttention(), [1, 2, 1, 1], [1, 2, 1, 1], [1, 2, 1, 1], [1, 1], [1, 2, 1, 2])
    }
  }

  @Test func queryHeadsShareKeyHeads() throws {
    let q = Tensor([1, 4, 1, 1], floats: [1, 1, 1, 1])
    let k = Tensor([1, 2, 1, 1], floats: [1, 1])
    #expect(try evaluate(ScaledDotProductAttention(), q, k, Tensor([1, 2, 1, 1], floats: [5, 7]))[0].floats() == [5, 5, 7, 7])
    #expect(throws: OperatorError.self) { try infer(ScaledDotProductAttention(), [1, 3, 1, 1], [1, 2, 1, 1], [1, 2, 1, 1]) }
  }

  @Test func rotationKeepsLengths() throws {
    let x = Tensor([1, 1, 1, 2], floats: [3, 4])
    let y = try evaluate(
      RotaryEmbedding(), x, Tensor([1], integers: [1]), Tensor([2, 1], floats: [1, 0]), Tensor([2, 1], floats: [0, 1]))[0]
    #expect(try y.floats() == [-4, 3])
  }

  @Test(arguments: Gelu.Form.allCases) func geluIsTheIdentityFarOut(_ form: Gelu.Form) throws {
    let y = try evaluate(Gelu(form), Tensor([2], floats: [-30, 30]))[0].floats()
    #expect(abs(y[0]) < 1e-6 && abs(y[1] - 30) < 1e-4)
  }
}
