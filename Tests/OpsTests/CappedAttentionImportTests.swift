import IR
import Testing

@testable import Ops

/// `softcap` of ONNX's Attention: the published order of mask and cap is not the corrected one.
struct CappedAttentionImportTests {
  private func attention(_ attributes: [String: ONNXAttribute], mask: ONNXNode.Input? = nil) throws -> ScaledDotProductAttention {
    let inputs = [Tensor([1, 1, 1, 2], floats: [1, 2]), Tensor([1, 1, 1, 2], floats: [1, 2]), Tensor([1, 1, 1, 2], floats: [1, 2])]
      .map { ONNXNode.Input.constant(Constant($0)) }
    var node = ONNXNode(
      name: "Attention", opset: 23, inputs: inputs + (mask.map { [$0] } ?? []), outputCount: 1, attributes: attributes)
    return try ScaledDotProductAttention.importONNX(&node)
  }

  @Test func isReadWhereNothingIsHidden() throws {
    #expect(try attention(["softcap": .float(8)]).cap == 8)
    #expect(try attention(["softcap": .float(8)], mask: .absent).cap == 8)
    #expect(try attention(["softcap": .float(0), "is_causal": .integer(1)]).cap == nil)
  }

  @Test func isRefusedBesideAMask() {
    let mask = ONNXNode.Input.constant(Constant(Tensor([1, 1], floats: [0])))
    #expect(throws: OperatorError.self) { try attention(["softcap": .float(8)], mask: mask) }
    #expect(throws: OperatorError.self) { try attention(["softcap": .float(8), "is_causal": .integer(1)]) }
    #expect(throws: OperatorError.self) { try attention(["softcap": .float(-1)]) }
  }

  /// Grouped queries with a cap take a tanh per score too.
  @Test func isCostedInGroupedQueries() throws {
    func specials(_ cap: Float) throws -> Int {
      let rows = ValueType.tensor(TensorType(.float32, [1, 4, 16]))
      let operation = GroupQueryAttention(heads: 2, keyHeads: 2, cap: cap)
      let operands = OperandTypes(inputs: [rows, rows, rows], outputs: [rows], isConstant: [false, false, false])
      return try operation.computation(operands).work.specials
    }
    #expect(try specials(8) == 2 * specials(0) && specials(0) > 0)
  }
}
