package import IR

/// Packed attention whose projection multiplies 8-bit integers (QAttention).
///
/// Inputs: x [b, s, i] and weight [i, 3·w] as integers, bias, scales of both, optional mask, zero points of both,
/// optional cache. Outputs: y [b, s, w], optional cache.
package struct QuantizedAttention: ONNXOperator {
  package static let name = "attention-quantized"

  package var heads: Int
  package var isCausal: Bool
  package var scale: Float?
  package var maskValue: Float

  private var plain: PackedAttention {
    PackedAttention(heads: heads, isCausal: isCausal, scale: scale, widths: [], maskValue: maskValue)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var inner = context
    let x = try context.tensor(0)
    let cache = context.inputs.count > 8 ? context.inputs[8] : nil
    inner.inputs = [.tensor(TensorType(try context.tensor(2).element, x.shape)), .tensor(try context.tensor(1)), nil, nil, cache]
    return try plain.inferTypes(inner)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let third = try operands.shape(ofInput: 1)[1] / 3
    return try AttentionCost(operands).packed(widths: (third, third, third), heads: heads, isCausal: isCausal)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let weight = try inputs.tensor(1)
    let bias = try inputs.tensor(2)
    let sums = try context.integerProduct(
      x, zeroA: try inputs.optionalTensor(6), weight, zeroB: try inputs.optionalTensor(7))
    let product = Tensor(.float64, sums.shape, .float64(sums.elements.map(Double.init)))
    var rows = try product.scaled(try product.doubles(), by: try inputs.tensor(3), along: .rows)
    rows = try product.scaled(rows, by: try inputs.tensor(4), along: .columns)
    rows = try rows.shifted(by: bias, shape: sums.shape)
    let input = Tensor(bias.element, x.shape, rounding: [Double](repeating: 0, count: x.count))
    let rest: [Datum?] = [inputs.count > 5 ? inputs[5] : nil, inputs.count > 8 ? inputs[8] : nil, nil]
    return try plain.attend(rows, input, total: weight.shape[1], rest, context, mask: 0)
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedAttention {
    let plain = try PackedAttention(importing: &node)
    return QuantizedAttention(heads: plain.heads, isCausal: plain.isCausal, scale: plain.scale, maskValue: plain.maskValue)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", "QAttention"), plain.onnxAttributes)
  }
}
