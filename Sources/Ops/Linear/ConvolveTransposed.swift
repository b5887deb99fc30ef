package import IR

/// Transposed convolution: every input element adds a scaled copy of the filter to the output.
///
/// y[n, f, i·stride + t·dilation − pad] += x[n, c, i]·w[c, f, t]. Inputs: x [n, c, spatial…], w [c, f/groups, taps…],
/// optional b [f]. Output: [n, f, spatial…]. Channels last, x is [n, spatial…, c], w [c, taps…, f/groups] and the output
/// [n, spatial…, f].
package struct ConvolveTransposed: ONNXOperator, ImageOperator, WeightedOperator {
  package static let name = "conv-transposed"

  package var strides: [Int]
  package var dilations: [Int]
  /// Begin pads of every axis, then end pads: elements cut off the output.
  package var pads: [Int]
  /// Elements added at the end of every axis.
  package var outputPadding: [Int]
  /// The wanted spatial shape, from which the pads follow; empty when the pads are given.
  package var outputShape: [Int]
  package var groups: Int
  package var padding: WindowPadding
  /// Nil: channels first.
  package var layout: ImageLayout?

  package init(
    strides: [Int], dilations: [Int], pads: [Int], outputPadding: [Int], outputShape: [Int] = [], groups: Int = 1,
    padding: WindowPadding = .explicit, layout: ImageLayout? = nil
  ) {
    self.layout = layout
    self.strides = strides
    self.dilations = dilations
    self.pads = pads
    self.outputPadding = outputPadding
    self.outputShape = outputShape
    self.groups = groups
    self.padding = padding
  }

  private var order: ImageLayout { layout ?? .channelsFirst }
  var imageInputs: Range<Int> { 0..<2 }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = order.first(try context.tensor(0))
    let w = order.first(try context.tensor(1))
    let spatial = x.rank - 2
    guard spatial >= 1, w.rank == x.rank else {
      throw OperatorError("ranks-match", "input \(x.shape.text) and weight \(w.shape.text) must have the same rank of at least 3")
    }
    try WindowAxis.check(spatial, steps: [strides, dilations], pads: pads)
    guard outputPadding.count == spatial, outputShape.isEmpty || outputShape.count == spatial else {
      throw OperatorError("window-rank", "output padding and shape must fit \(spatial) spatial axes")
    }
    guard groups > 0, outputPadding.allSatisfy({ $0 >= 0 && $0 < 1 << 30 }), outputShape.allSatisfy({ $0 >= 0 && $0 < 1 << 40 }) else {
      throw OperatorError("window-positive", "groups, output padding and output shape must be positive")
    }
    if let c = x.shape[1].constant, c % groups != 0 {
      throw OperatorError("groups-divide", "\(c) channels do not divide into \(groups) groups")
    }
    if let c = x.shape[1].constant, let expected = w.shape[0].constant, c != expected {
      throw OperatorError("channels-match", "the input has \(c) channels but the weight expects \(expected)")
    }
    var shape = [x.shape[0], w.shape[1] * .constant(groups)]
    for axis in 0..<spatial { shape.append(extent(axis, input: x.shape[2 + axis], taps: w.shape[2 + axis])) }
    return [.tensor(TensorType(x.element, order.restored(shape)))]
  }

  /// Extent before anything is cut off: (in − 1)·stride + output padding + (taps − 1)·dilation + 1.
  private func fullExtent(_ axis: Int, input: Dimension, taps: Dimension) -> Dimension {
    (input - 1) * .constant(strides[axis]) + .constant(outputPadding[axis]) + (taps - 1) * .constant(dilations[axis]) + 1
  }

  private func extent(_ axis: Int, input: Dimension, taps: Dimension) -> Dimension {
    if !outputShape.isEmpty { return .constant(outputShape[axis]) }
    let full = fullExtent(axis, input: input, taps: taps)
    return switch padding {
    case .explicit: full - .constant(pads[axis] + pads[axis + strides.count])
    case .valid: full
    case .sameUpper, .sameLower: input * .constant(strides[axis])
    }
  }

  /// Elements cut off in front and behind.
  private func crop(_ axis: Int, input: Int, taps: Int, output: Int) -> (begin: Int, end: Int) {
    if outputShape.isEmpty, padding == .explicit { return (pads[axis], pads[axis + strides.count]) }
    let full = fullExtent(axis, input: .constant(input), taps: .constant(taps)).constant ?? output
    let total = max(0, full - output)
    return padding == .sameUpper ? (total / 2, total - total / 2) : (total - total / 2, total / 2)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let geometry = geometry(
      x: order.first(try operands.shape(ofInput: 0)), w: order.first(try operands.shape(ofInput: 1)),
      y: order.first(try operands.shape(ofOutput: 0)))
    return .contraction(
      Contraction(
        batch: groups, m: geometry.images * geometry.input.reduce(1, *),
        n: geometry.outputChannels / groups * geometry.kernel.reduce(1, *), k: geometry.inputChannels / groups,
        lhs: try operands.input(0), rhs: try operands.input(1), output: try operands.output(), convolution: geometry,
        hasBias: operands.inputs.count > 2 && operands.inputs[2] != nil))
  }

  /// From shapes with channels first.
  package func geometry(x: [Int], w: [Int], y: [Int]) -> Convolution {
    let cut = strides.indices.map { crop($0, input: x[2 + $0], taps: w[2 + $0], output: y[2 + $0]) }
    return Convolution(
      images: x[0], inputChannels: x[1], outputChannels: y[1], groups: groups, input: Array(x[2...]), output: Array(y[2...]),
      kernel: Array(w[2...]), strides: strides, dilations: dilations, padsBegin: cut.map(\.begin), padsEnd: cut.map(\.end),
      isTransposed: true)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    if let y = try evaluatedChannelsFirst(inputs, context) { return y }
    let x = try inputs.tensor(0)
    let w = try inputs.tensor(1)
    let types = try inferTypes(InferenceContext(inputs: [.tensor(x.type), .tensor(w.type)]))
    guard let shape = types.first?.tensor?.constantShape else { throw OperatorError("window-fits", "the output shape is not known") }
    let count = try shape.evaluableCount()
    let g = geometry(x: x.shape, w: w.shape, y: shape)
    var result = [Double](repeating: 0, count: count)
    // The forward convolution from y to x reads, through tap t, the element of y that x contributes to.
    let mirror = SlidingWindow(
      Convolution(
        images: g.images, inputChannels: g.outputChannels, outputChannels: g.inputChannels, groups: groups, input: g.output,
        output: g.input, kernel: g.kernel, strides: strides, dilations: dilations, padsBegin: g.padsBegin, padsEnd: g.padsEnd))
    mirror.scatter(try x.doubles(), try w.doubles(), into: &result)
    if let bias = try inputs.optionalTensor(2)?.doubles() {
      let plane = g.output.reduce(1, *)
      for index in result.indices { result[index] += bias[index / plane % g.outputChannels] }
    }
    return [.tensor(Tensor(x.element, shape, rounding: result))]
  }

  package static var onnxNames: [ONNXName] { ["ConvTranspose"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ConvolveTransposed {
    guard node.inputTypes.count > 1, let w = node.inputTypes[1]?.tensor, w.rank >= 3 else {
      throw OperatorError("weight-rank", "a transposed convolution needs a weight of known rank, at least 3")
    }
    node.ignore("kernel_shape")
    let spatial = w.rank - 2
    // Some exporters write the whole output shape, batch and channels included.
    let outputShape = try node.integers("output_shape") ?? []
    return ConvolveTransposed(
      strides: try node.integers("strides") ?? Array(repeating: 1, count: spatial),
      dilations: try node.integers("dilations") ?? Array(repeating: 1, count: spatial),
      pads: try node.integers("pads") ?? Array(repeating: 0, count: 2 * spatial),
      outputPadding: try node.integers("output_padding") ?? Array(repeating: 0, count: spatial),
      outputShape: outputShape.count == spatial + 2 ? Array(outputShape.suffix(spatial)) : outputShape,
      groups: try node.integer("group") ?? 1, padding: WindowPadding(onnx: try node.string("auto_pad")))
  }

  package func weightLayout(rank: Int) -> WeightLayout {
    guard layout != .channelsLast else {
      return WeightLayout(
        outputAxis: rank - 1, reductionAxes: Array(0..<max(1, rank - 1)), groups: groups, channelAxisOfInput: -1, biasInput: 2)
    }
    return WeightLayout(
      outputAxis: 1, reductionAxes: [0] + Array(2..<max(2, rank)), groups: groups, channelAxisOfInput: 1, biasInput: 2)
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("dilations", .integers(dilations)), ("group", .integer(groups)), ("strides", .integers(strides)),
      ("output_padding", .integers(outputPadding)), padding.onnxAttribute(pads: pads),
    ]
    if !outputShape.isEmpty { attributes.append(("output_shape", .integers(outputShape))) }
    return ONNXSpelling("ConvTranspose", attributes)
  }
}
