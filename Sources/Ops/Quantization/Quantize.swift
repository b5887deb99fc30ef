package import IR

/// Real numbers to stored ones: y = saturate(round(x/scale) + zero), per tensor, axis or block.
///
/// Inputs: x, scale, optional zero point (whose type is the result's). Output: like x.
package struct Quantize: ONNXOperator {
  package static let name = "quantize"

  package var axis: Int
  /// Elements along the axis that share a scale; 0 without blocks.
  package var blockSize: Int
  /// The result's type when there is no zero point.
  package var storage: ElementType?
  /// Float8 values beyond the range become the largest, not infinite.
  package var saturates: Bool

  package init(axis: Int = 1, blockSize: Int = 0, storage: ElementType? = nil, saturates: Bool = true) {
    self.axis = axis
    self.blockSize = blockSize
    self.storage = storage
    self.saturates = saturates
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let scale = try context.tensor(1)
    let zero = try context.optionalTensor(2)
    if let zero, let storage, zero.element != storage {
      throw OperatorError("zero-point-type", "a zero point of \(zero.element.rawValue) for a result of \(storage.rawValue)")
    }
    if let zero, zero.rank != scale.rank, zero.shape.contains(where: { $0 != 1 }) {
      throw OperatorError("scale-shape", "scales \(scale.shape.text) and zero points \(zero.shape.text) differ in shape")
    }
    return [try context.sameShape(zero?.element ?? storage ?? .uint8)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("quantize", simple: 4)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let scale = try inputs.tensor(1)
    let zero = try inputs.optionalTensor(2)
    let target = zero?.element ?? storage ?? .uint8
    let map = try ScaleMap(x.shape, scale: scale.shape, axis: axis, blockSize: blockSize)
    var values = try x.floats()
    let scales = try scale.floats()
    guard values.isEmpty || scales.count > map.index(of: values.count - 1) else {
      throw OperatorError("scale-shape", "there are too few scales")
    }
    let zeros = try zero?.integers()
    if let zeros, zeros.count != scales.count {
      throw OperatorError("scale-shape", "scales and zero points differ in number")
    }
    if let stored = map.quantize(values, to: target, x.shape, scales: scales, zeros: zeros) { return [.tensor(stored)] }
    for index in values.indices { values[index] /= scales[map.index(of: index)] }
    if target.isFloat {
      return [.tensor(try ElementConversion(to: target, saturates: saturates).convert(Tensor(x.shape, floats: values)))]
    }
    let stored = values.indices.map { index in
      Double(values[index].rounded(.toNearestOrEven)).clampedInt64.addingSaturated(zeros?[map.index(of: index)] ?? 0)
    }
    return [.tensor(Tensor(target, x.shape, saturating: stored))]
  }

  package static var onnxNames: [ONNXName] {
    ["QuantizeLinear"] + ["QuantizeLinear", "QuantizeWithOrder"].map { ONNXName(domain: "com.microsoft", $0) }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Quantize {
    if node.name.type == "QuantizeWithOrder" {
      try node.checkOrder("order_input", .rows)
      try node.checkOrder("order_output", .rows)
      node.setInput(2, Tensor(.int8, [], .int8([0])))
    }
    node.ignore("precision")
    var quantize = Quantize(
      axis: try node.integer("axis") ?? 1, blockSize: try node.integer("block_size") ?? 0,
      saturates: try node.integer("saturate") ?? 1 != 0)
    if let code = try node.integer("output_dtype"), code != 0 {
      guard let element = ElementType(onnxCode: code) else { throw OperatorError("element-type", "unknown element type \(code)") }
      quantize.storage = element
    }
    return quantize
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [("axis", .integer(axis))]
    // Older operator sets know neither; left out they are what they say.
    if blockSize != 0 { attributes.append(("block_size", .integer(blockSize))) }
    if !saturates { attributes.append(("saturate", .integer(0))) }
    if let code = storage?.onnxCode { attributes.append(("output_dtype", .integer(code))) }
    return ONNXSpelling("QuantizeLinear", attributes)
  }
}
