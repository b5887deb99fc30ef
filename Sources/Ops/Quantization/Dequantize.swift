package import IR

/// Stored numbers to real ones: y = (x − zero)·scale, per tensor, axis or block.
///
/// Inputs: x, scale, optional zero point. Output: shaped like x, typed like the scale, encoded as x is stored: whoever reads
/// it reads x. A machine does nothing for it then; without the encoding (a result of the graph) every element is converted.
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
    guard case .tensor(var type) = try context.sameShape(scale.element) else { return [.unranked(scale.element)] }
    type.encoding.quantization = Encoding.Quantization(
      storage: try context.element(0), granularity: try granularity(type, scale), scale: scale.element,
      isAsymmetric: context.hasInput(2) && !isZero(context.constant(2)))
    let stored = try context.tensor(0).encoding
    type.encoding.sparsity = stored.sparsity
    type.encoding.palette = stored.palette
    return [.tensor(type)]
  }

  private func granularity(_ type: TensorType, _ scale: TensorType) throws(OperatorError) -> Encoding.Quantization.Granularity {
    if blockSize > 0 {
      let axis = try resolveAxis(axis, rank: type.rank)
      // A block that is longer than the axis holds all of it.
      return .group(axis: axis, size: min(blockSize, max(1, type.shape[axis].constant ?? blockSize)))
    }
    guard let count = scale.elementCount, count > 1 else { return .tensor }
    return .channel(axis: try resolveAxis(axis, rank: type.rank))
  }

  /// A zero point that is there but shifts nothing.
  private func isZero(_ constant: Constant?) -> Bool {
    guard let constant, let count = constant.type.elementCount, count <= 1 << 16, case .bytes(let data) = constant.payload else {
      return false
    }
    return data.withBytes { bytes in bytes.allSatisfy { $0 == 0 } }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (x, y) = (try operands.input(0), try operands.output())
    if x.storage == y.storage { return .movement(Movement(kind: .view, inputs: [x], outputs: [y])) }
    return try operands.pointwise("dequantize", simple: 2)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let scale = try inputs.tensor(1)
    let map = try ScaleMap(x.shape, scale: scale.shape, axis: axis, blockSize: blockSize)
    let scales = try scale.doubles()
    let zeros = try inputs.optionalTensor(2)?.doubles()
    guard x.count == 0 || scales.count > map.index(of: x.count - 1), zeros == nil || zeros?.count == scales.count else {
      throw OperatorError("scale-shape", "scales and zero points do not fit the values")
    }
    if scale.element == .float32,
      let values = try map.dequantize(x, scales: try scale.floats(), zeros: zeros?.map { Float($0) })
    {
      return [.tensor(Tensor(.float32, x.shape, .float32(values)))]
    }
    var values = try x.doubles()
    for index in values.indices {
      let position = map.index(of: index)
      values[index] = (values[index] - (zeros?[position] ?? 0)) * scales[position]
    }
    return [.tensor(Tensor(scale.element, x.shape, rounding: values))]
  }

  package static var onnxNames: [ONNXName] {
    ["DequantizeLinear"] + ["DequantizeLinear", "DequantizeWithOrder"].map { ONNXName(domain: "com.microsoft", $0) }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Dequantize {
    if node.name.type == "DequantizeWithOrder" {
      try node.checkOrder("order_input", .rows)
      try node.checkOrder("order_output", .rows)
      guard try node.elementType("to") == .float32 else { throw OperatorError("element-type", "'to' must be float, the type of the scale") }
    }
    node.ignore("output_dtype")
    return Dequantize(axis: try node.integer("axis") ?? 1, blockSize: try node.integer("block_size") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("DequantizeLinear", [("axis", .integer(axis))] + (blockSize == 0 ? [] : [("block_size", .integer(blockSize))]))
  }
}
