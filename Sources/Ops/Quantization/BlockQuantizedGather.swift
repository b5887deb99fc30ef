package import IR

/// Rows picked by indices from a table whose elements share a scale per block, as real numbers (GatherBlockQuantized).
///
/// Inputs: data (4-bit elements, or bytes of `bits`-bit fields packed along the last axis), indices, scales (one per block
/// of the quantised axis), optional zero points (stored like data). Output: gathered elements in the type of the scales.
package struct BlockQuantizedGather: ONNXOperator {
  package static let name = "gather-block-quantized"

  package var axis: Int
  package var quantizedAxis: Int
  package var blockSize: Int
  package var bits: Int

  package init(axis: Int = 0, quantizedAxis: Int = 1, blockSize: Int = 128, bits: Int = 4) {
    self.axis = axis
    self.quantizedAxis = quantizedAxis
    self.blockSize = blockSize
    self.bits = bits
  }

  /// Elements in one stored byte; 1 where the element type is the field itself.
  private func fields(_ element: ElementType) -> Int { element == .uint8 ? 8 / max(1, bits) : 1 }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let data = try context.tensor(0)
    guard [2, 4, 8].contains(bits), blockSize > 0, data.rank >= 1 else {
      throw OperatorError("block-form", "\(bits)-bit blocks of \(blockSize) are not supported")
    }
    let axis = try resolveAxis(axis, rank: data.rank)
    var shape = data.shape
    shape[data.rank - 1] = shape[data.rank - 1] * .constant(fields(data.element))
    let indices = try context.tensor(1).shape
    return [.tensor(TensorType(try context.element(2), shape[..<axis] + indices + shape[(axis + 1)...]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let y = try operands.output()
    let data = try operands.input(0)
    return .movement(
      Movement(
        kind: .gather, inputs: try operands.presentInputs(), outputs: [y], elementsRead: y.count / fields(data.element)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let data = try inputs.tensor(0)
    let scale = try inputs.tensor(2)
    let (values, shape) = try unpacked(data)
    let scales = try ScaleMap(shape, scale: scale.shape, axis: quantizedAxis, blockSize: blockSize)
    let factors = try scale.doubles()
    var zeros = [Int64](repeating: data.element == .uint8 ? 1 << Int64(bits - 1) : 0, count: factors.count)
    if let points = try inputs.optionalTensor(3) {
      let given = try unpacked(points).values
      // A packed row may end in an unused field.
      let row = scale.shape.last ?? 1
      let stride = row.ceilingQuotient(fields(data.element)) * fields(data.element)
      guard row > 0, given.count == factors.count / row * stride else {
        throw OperatorError("scale-shape", "scales and zero points differ in number")
      }
      zeros = factors.indices.map { given[$0 / row * stride + $0 % row] }
    }
    let real = values.indices.map { (index) -> Double in
      let block = scales.index(of: index)
      return Double(values[index] - zeros[block]) * factors[block]
    }
    return try Gather(axis: axis).evaluate([.tensor(Tensor(scale.element, shape, rounding: real)), inputs[1]], context)
  }

  /// The stored numbers, fields of bytes taken apart from the low bits up.
  private func unpacked(_ tensor: Tensor) throws(OperatorError) -> (values: [Int64], shape: [Int]) {
    let stored = try tensor.integers()
    let count = fields(tensor.element)
    guard count > 1, let last = tensor.shape.last else { return (stored, tensor.shape) }
    let mask = Int64(1) << Int64(bits) - 1
    let values = stored.flatMap { byte in (0..<count).map { byte >> Int64($0 * bits) & mask } }
    return (values, tensor.shape.dropLast() + [last * count])
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "GatherBlockQuantized")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> BlockQuantizedGather {
    BlockQuantizedGather(
      axis: try node.integer("gather_axis") ?? 0, quantizedAxis: try node.integer("quantize_axis") ?? 1,
      blockSize: try node.integer("block_size") ?? 128, bits: try node.integer("bits") ?? 4)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "GatherBlockQuantized"),
      [
        ("gather_axis", .integer(axis)), ("quantize_axis", .integer(quantizedAxis)), ("block_size", .integer(blockSize)),
        ("bits", .integer(bits)),
      ])
  }
}
