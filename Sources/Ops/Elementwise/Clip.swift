package import IR

/// y = min(max(x, low), high); either bound may be absent. A bound below the other wins from above, as ONNX says.
///
/// Inputs: x, optional scalar low, optional scalar high.
package struct Clip: ONNXOperator {
  package static let name = "clip"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sameShape(try context.element(0))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("clip", simple: 2)
  }

  package var storedForm: StoredForm? { .rescaled }

  package func inputRange(_ scalar: (Int) -> Double?) -> ClosedRange<Double>? {
    let (low, high) = (scalar(1) ?? -.infinity, scalar(2) ?? .infinity)
    return low <= high && low < .infinity && high > -.infinity ? low...high : nil
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let (low, high) = (try inputs.optionalTensor(1), try inputs.optionalTensor(2))
    if case .float32(let values) = x.elements {
      let least = try low?.floats().first ?? -.infinity
      let most = try high?.floats().first ?? .infinity
      return [.tensor(Tensor(x.element, x.shape, .float32(values.map { $0.isNaN ? $0 : min(max($0, least), most) })))]
    }
    if x.element.isInteger {
      let least = try low?.integers().first ?? .min
      let most = try high?.integers().first ?? .max
      if x.element == .uint64 {
        let (bottom, top) = (
          low == nil ? 0 : UInt64(bitPattern: least), high == nil ? UInt64.max : UInt64(bitPattern: most)
        )
        let values = try x.integers().map { Int64(bitPattern: min(max(UInt64(bitPattern: $0), bottom), top)) }
        return [.tensor(Tensor(.uint64, x.shape, .int64(values)))]
      }
      return [.tensor(Tensor(x.element, x.shape, wrapping: try x.integers().map { min(max($0, least), most) }))]
    }
    let least = try low?.doubles().first ?? -.infinity
    let most = try high?.doubles().first ?? .infinity
    return [
      .tensor(Tensor(x.element, x.shape, rounding: try x.doubles().map { $0.isNaN ? $0 : min(max($0, least), most) }))
    ]
  }

  package static var onnxNames: [ONNXName] { ["Clip"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Clip {
    node.ignore("consumed_inputs")
    // Before opset 11 the bounds were float attributes.
    let element = node.inputTypes.first??.elementType ?? .float32
    if let low = try node.float("min") { node.setInput(1, Tensor(element, [], rounding: [Double(low)])) }
    if let high = try node.float("max") { node.setInput(2, Tensor(element, [], rounding: [Double(high)])) }
    return Clip()
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Clip") }
}
