package import IR

/// Convolution of 8-bit integers, requantised to 8 bits.
///
/// Inputs: x, its scale and zero point, w, its scales and zero points (one or one per filter), scale and zero point of
/// the result, optional int32 bias. Output: [n, f, spatial…] in the result's type.
package struct QuantizedConvolve: ONNXOperator {
  package static let name = "conv-quantized"

  package var strides: [Int]
  package var dilations: [Int]
  package var pads: [Int]
  package var groups: Int
  package var padding: WindowPadding

  package init(_ convolution: Convolve) {
    strides = convolution.strides
    dilations = convolution.dilations
    pads = convolution.pads
    groups = convolution.groups
    padding = convolution.padding
  }

  package var convolution: Convolve {
    Convolve(strides: strides, dilations: dilations, pads: pads, groups: groups, padding: padding)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var plain = context
    plain.inputs = [.tensor(try context.tensor(0)), .tensor(try context.tensor(3))]
    let element = try context.optionalTensor(7)?.element ?? .uint8
    return try convolution.inferTypes(plain).compactMap(\.tensor).map { .tensor(TensorType(element, $0.shape)) }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let hasBias = operands.inputs.count > 8 && operands.inputs[8] != nil
    return try convolution.computation(operands.selecting([0, 3] + (hasBias ? [8] : [])))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let w = try inputs.tensor(3)
    let input = try ScalePair(inputs, 1)
    let output = try ScalePair(inputs, 6)
    let scales = try inputs.tensor(4).floats()
    let sums = try IntegerConvolve.accumulate(
      convolution, x, w, zeros: (input.zero, try inputs.optionalTensor(5)?.integers() ?? [0]), context)
    let bias = try inputs.optionalTensor(8)?.integers()
    let filters = sums.shape[1]
    let plane = sums.shape[2...].reduce(1, *)
    guard scales.count == 1 || scales.count == filters, bias == nil || bias?.count == filters else {
      throw OperatorError("scale-shape", "one scale or one per filter is needed, not \(scales.count)")
    }
    var values = [Float](repeating: 0, count: sums.values.count)
    for line in 0..<sums.shape[0] * filters {
      let filter = line % filters
      let factor = input.scale * scales[scales.count == 1 ? 0 : filter] / output.scale
      let shift = Int32(truncatingIfNeeded: bias?[filter] ?? 0)
      for index in line * plane..<(line + 1) * plane { values[index] = Float(sums.values[index] &+ shift) * factor }
    }
    let element = try inputs.optionalTensor(7)?.element ?? .uint8
    return [.tensor(ScalePair(scale: 1, zero: output.zero).quantized(values, element, sums.shape))]
  }

  package static var onnxNames: [ONNXName] { ["QLinearConv"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedConvolve {
    QuantizedConvolve(try Convolve(importing: &node, weight: 3))
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("QLinearConv", convolution.exportONNX().attributes) }
}

extension OperandTypes {
  /// The same outputs with only some of the inputs.
  package func selecting(_ indices: [Int]) -> OperandTypes {
    OperandTypes(
      inputs: indices.map { $0 < inputs.count ? inputs[$0] : nil }, outputs: outputs,
      isConstant: indices.map { $0 < isConstant.count && isConstant[$0] },
      contents: indices.map { $0 < contents.count ? contents[$0] : nil }, regions: regions)
  }
}
