package import IR

/// Stored numbers to real ones: y = (x − zero)·scale, per tensor, axis or block.
///
/// Inputs: x, scale, optional zero point. Output: shaped like x, typed like the scale.
package struct Dequantize: ONNXOperator {
  package static let name = "dequantize"

  package var axis: Int
  /// Elements along the axis that share a scale; 0 without blocks.
  package var blockSize: Int

  package init(axis: Int = 1, blockSize: Int = 0) {
    self.axis = axis
    self.blockSize = blockSize
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let scale = try context.tensor(1)
    if let zero = try context.optionalTensor(2), zero.element != (try context.element(0)) {
      throw OperatorError("zero-point-type", "a zero point of \(zero.element.rawValue) for values of another type")
    }
    return [try context.sameShape(scale.element)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("dequantize", simple: 2)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let scale = try inputs.tensor(1)
    let map = try ScaleMap(x.shape, scale: scale.shape, axis: axis, blockSize: blockSize)
    var values = try x.doubles()
    let scales = try scale.doubles()
    let zeros = try inputs.optionalTensor(2)?.doubles()
    guard values.isEmpty || scales.count > map.index(of: values.count - 1), zeros == nil || zeros?.count == scales.count else {
      throw OperatorError("scale-shape", "scales and zero points do not fit the values")
    }
    for index in values.indices {
      let position = map.index(of: index)
      values[index] = (values[index] - (zeros?[position] ?? 0)) * scales[position]
    }
    return [.tensor(Tensor(scale.element, x.shape, rounding: values))]
  }

  package static var onnxNames: [ONNXName] { ["DequantizeLinear", ONNXName(domain: "com.microsoft", "DequantizeLinear")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Dequantize {
    node.ignore("output_dtype")
    return Dequantize(axis: try node.integer("axis") ?? 1, blockSize: try node.integer("block_size") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("DequantizeLinear", [("axis", .integer(axis)), ("block_size", .integer(blockSize))])
  }
}
