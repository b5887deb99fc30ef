package import IR

/// Mean over a window, or over whole planes, between stored integers.
///
/// Inputs: x (channels first or last), its scale and zero point, scale and zero point of the result. Output: like a pool's.
package struct QuantizedPool: ONNXOperator {
  package static let name = "pool-quantized"

  /// Empty for the mean of the whole plane.
  package var kernel: [Int]
  package var strides: [Int]
  package var pads: [Int]
  package var padding: WindowPadding
  package var roundsUp: Bool
  package var countsPadding: Bool
  package var isChannelsLast: Bool

  private func pool(_ rank: Int) -> any Operator {
    guard !kernel.isEmpty else { return GlobalPool(.average) }
    var pool = Pool(.average, kernel: kernel, strides: strides, dilations: kernel.map { _ in 1 }, pads: pads, padding: padding)
    pool.roundsUp = roundsUp
    pool.countsPadding = countsPadding
    return pool
  }

  /// Channels from the last place to the second.
  private func first<Extent>(_ shape: [Extent]) -> [Extent] {
    guard isChannelsLast, shape.count > 2, let channels = shape.last else { return shape }
    return [shape[0], channels] + shape[1..<(shape.count - 1)]
  }

  private func last<Extent>(_ shape: [Extent]) -> [Extent] {
    isChannelsLast && shape.count > 2 ? [shape[0]] + shape[2...] + [shape[1]] : shape
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let types = try pool(x.rank).inferTypes(InferenceContext(inputs: [.tensor(TensorType(x.element, first(x.shape)))]))
    return types.compactMap(\.tensor).map { .tensor(TensorType($0.element, last($0.shape))) }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    var plain = operands
    plain.inputs = [operands.inputs.first.flatMap { $0?.tensor }.map { .tensor(TensorType($0.element, first($0.shape))) }]
    plain.outputs = operands.outputs.compactMap(\.tensor).map { .tensor(TensorType($0.element, first($0.shape))) }
    return try pool(0).computation(plain)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let real = Tensor(x.shape, floats: try ScalePair(inputs, 1).dequantized(x))
    let order = Array(0..<x.rank)
    let planes = try Transpose(first(order)).evaluate([.tensor(real)], EvaluationContext())
    let means = try pool(x.rank).evaluate(planes, EvaluationContext())
    let y = try Transpose(last(order)).evaluate(means, EvaluationContext()).map { $0 }.tensor(0)
    return [.tensor(try ScalePair(inputs, 3).quantized(try y.floats(), x.element, y.shape))]
  }

  package static var onnxNames: [ONNXName] {
    ["QLinearAveragePool", "QLinearGlobalAveragePool"].map { ONNXName(domain: "com.microsoft", $0) }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedPool {
    let kernel = try node.integers("kernel_shape") ?? []
    guard !kernel.isEmpty || node.name.type == "QLinearGlobalAveragePool" else {
      throw OperatorError("missing-attribute", "QLinearAveragePool needs the attribute 'kernel_shape'")
    }
    return QuantizedPool(
      kernel: kernel, strides: try node.integers("strides") ?? kernel.map { _ in 1 },
      pads: try node.integers("pads") ?? Array(repeating: 0, count: 2 * kernel.count),
      padding: WindowPadding(onnx: try node.string("auto_pad")), roundsUp: try node.integer("ceil_mode") ?? 0 != 0,
      countsPadding: try node.integer("count_include_pad") ?? 0 != 0, isChannelsLast: try node.integer("channels_last") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    let layout: [(name: String, value: ONNXAttribute)] = [("channels_last", .integer(isChannelsLast ? 1 : 0))]
    guard !kernel.isEmpty else { return ONNXSpelling(ONNXName(domain: "com.microsoft", "QLinearGlobalAveragePool"), layout) }
    return ONNXSpelling(
      ONNXName(domain: "com.microsoft", "QLinearAveragePool"),
      layout + [
        ("kernel_shape", .integers(kernel)), ("strides", .integers(strides)), padding.onnxAttribute(pads: pads),
        ("ceil_mode", .integer(roundsUp ? 1 : 0)), ("count_include_pad", .integer(countsPadding ? 1 : 0)),
      ])
  }
}
