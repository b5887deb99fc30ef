package import IR

/// Finds scale and zero point of a tensor from its range (zero included) and quantises it to 8 unsigned bits.
///
/// Input: x. Outputs: y like x, scale and zero point (scalars).
package struct DynamicQuantize: ONNXOperator {
  package static let name = "quantize-dynamic"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let types = [
      try context.sameShape(.uint8), .tensor(TensorType(.float32, [Dimension]())), .tensor(TensorType(.uint8, [Dimension]())),
    ]
    return Array(types.prefix(max(1, context.outputCount)))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .reduction(
      Reduction(
        kind: .maximum, rows: 1, columns: try operands.input(0).count, inputs: try operands.presentInputs(),
        outputs: try operands.allOutputs(), costPerElement: ArithmeticCost(simple: 6)))
  }

  /// Scale and zero point of values whose range is `lowest...highest`, for 8 unsigned bits.
  package static func parameters(_ values: [Float]) -> ScalePair {
    let lowest = min(0, values.min() ?? 0)
    let highest = max(0, values.max() ?? 0)
    let scale = highest == lowest ? 1 : (highest - lowest) / 255
    let zero = (0 - lowest / scale).rounded(.toNearestOrEven)
    return ScalePair(scale: scale, zero: min(max(Double(zero).clampedInt64, 0), 255))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let values = try x.floats()
    let pair = DynamicQuantize.parameters(values)
    return [
      .tensor(pair.quantized(values, .uint8, x.shape)), .tensor(Tensor([], floats: [pair.scale])),
      .tensor(Tensor(.uint8, [], saturating: [pair.zero])),
    ]
  }

  package static var onnxNames: [ONNXName] { ["DynamicQuantizeLinear"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> DynamicQuantize { DynamicQuantize() }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("DynamicQuantizeLinear") }
}
