package import IR

/// The exact GELU between int8 numbers by scales alone: y = saturate(round(gelu(x·sx)/sy)) (com.microsoft QOrderedGelu).
///
/// Inputs: x, its scale, scale of the result. Output: like x.
package struct OrderedGelu: ONNXOperator {
  package static let name = "gelu-ordered"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] { [try context.sameShape(.int8)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let cost = Gelu.Form.erf.cost
    return try operands.pointwise(Self.name, simple: cost.simple + 4, special: cost.special)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard let scale = try inputs.tensor(2).floats().first else { throw OperatorError("scale-shape", "input 2 is empty") }
    guard let stored = try inputs.tensor(1).floats().first else { throw OperatorError("scale-shape", "input 1 is empty") }
    let values = try ScalePair(scale: stored, zero: 0).dequantized(x).map { Float(Gelu.Form.erf.apply(Double($0), alpha: 0)) }
    return [.tensor(ScalePair(scale: scale, zero: 0).quantized(values, .int8, x.shape))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QOrderedGelu")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OrderedGelu {
    // One element at a time: any order will do, as long as it stays.
    let (x, y) = (try node.integer("order_X"), try node.integer("order_Y"))
    guard x == nil || y == nil || x == y else { throw OperatorError("matrix-order", "'order_X' and 'order_Y' differ") }
    return OrderedGelu()
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(domain: "com.microsoft", "QOrderedGelu")) }
}
