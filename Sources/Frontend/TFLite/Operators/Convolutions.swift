internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let convolutions: [TFLiteMapping] = [
    TFLiteMapping(3, "CONV_2D") { (node) throws(Failure) in
      let options = ConvolutionOptions(
        padding: try node.code(0), strides: [try node.option(2), try node.option(1)],
        dilations: [try node.option(5, default: 1), try node.option(4, default: 1)], activation: try node.code(3))
      return try node.convolution(options, weights: try node.real(1))
    },
    TFLiteMapping(4, "DEPTHWISE_CONV_2D") { (node) throws(Failure) in
      let options = ConvolutionOptions(
        padding: try node.code(0), strides: [try node.option(2), try node.option(1)],
        dilations: [try node.option(6, default: 1), try node.option(5, default: 1)], activation: try node.code(4))
      // Filters stand at the last place: [1, h, w, filters].
      return try node.convolution(options, weights: try node.rearranged(1, [3, 1, 2, 0]))
    },
    TFLiteMapping(132, "CONV_3D") { (node) throws(Failure) in
      let options = ConvolutionOptions(
        padding: try node.code(0), strides: [try node.option(1), try node.option(3), try node.option(2)],
        dilations: [try node.option(5, default: 1), try node.option(7, default: 1), try node.option(6, default: 1)],
        activation: try node.code(4))
      // [d, h, w, channels, filters]
      return try node.convolution(options, weights: try node.rearranged(1, [4, 0, 1, 2, 3]))
    },
    TFLiteMapping(67, "TRANSPOSE_CONV") { (node) throws(Failure) in try node.transposedConvolution() },
  ]

  /// Operators of MediaPipe's models.
  static let mediaPipe: [TFLiteMapping] = [
    TFLiteMapping(custom, "Convolution2DTransposeBias") { (node) throws(Failure) in
      // A C structure TfLiteTransposeConvParams: padding (1 same, 2 valid), width and height of the stride.
      guard let options = node.message.customOptions, let padding = try options.number(0), let width = try options.number(1),
        let height = try options.number(2)
      else { throw node.failure("its options are not those of a transposed convolution") }
      let extents = try node.result().shape
      guard extents.count == 4 else { throw node.failure("the result has \(extents.count) axes, not 4") }
      return try node.transposedConvolution(
        operands: (x: 0, weights: 1, bias: 2), extents: extents, strides: [height, width], padding: padding - 1, activation: 0)
    }
  ]
}

private struct ConvolutionOptions {
  /// 0: as many results as inputs per stride; 1: only whole windows.
  var padding: Int
  var strides: [Int]
  var dilations: [Int]
  var activation: Int
}

extension TFLiteNode {
  /// Padding as the schema numbers it.
  func padding(_ code: Int) throws(Failure) -> WindowPadding {
    switch code {
    case 0: return .sameUpper
    case 1: return .valid
    default: throw failure("padding \(code) is not known")
    }
  }

  fileprivate func convolution(_ options: ConvolutionOptions, weights: ValueID) throws(Failure) -> ValueID {
    let x = try real(0)
    let (channels, perGroup) = (try tensorType(x).shape.last?.constant ?? 1, try tensorType(weights).shape.last?.constant ?? 1)
    guard perGroup > 0, channels % perGroup == 0 else {
      throw failure("filters of \(perGroup) channels do not divide the input's \(channels)")
    }
    let axes = options.strides.count
    let operation = Convolve(
      strides: options.strides, dilations: options.dilations, pads: Array(repeating: 0, count: 2 * axes),
      groups: max(1, channels / perGroup), padding: try padding(options.padding), layout: .channelsLast)
    let y = try add(operation, [x, weights, try bias(2, input: 0, weights: 1)])
    return try store(try activated(y, options.activation))
  }

  /// y[n, o] += x[n, i]·w: the shape of the result is an operand of its own.
  fileprivate func transposedConvolution() throws(Failure) -> ValueID {
    let extents = try integers(0)
    guard extents.count == 4 else { throw failure("the result has \(extents.count) axes, not 4") }
    return try transposedConvolution(
      operands: (x: 2, weights: 1, bias: 3), extents: extents, strides: [try option(2), try option(1)], padding: try code(0),
      activation: try code(3))
  }

  fileprivate func transposedConvolution(
    operands: (x: Int, weights: Int, bias: Int), extents: [Int], strides: [Int], padding code: Int, activation: Int
  ) throws(Failure) -> ValueID {
    // [filters, h, w, channels] to [channels, h, w, filters]
    let weights = try rearranged(operands.weights, [3, 1, 2, 0])
    let operation = ConvolveTransposed(
      strides: strides, dilations: [1, 1], pads: [0, 0, 0, 0], outputPadding: [0, 0],
      outputShape: [extents[1], extents[2]], padding: try padding(code), layout: .channelsLast)
    let bias = try bias(operands.bias, input: operands.x, weights: operands.weights)
    return try store(try activated(try add(operation, [try real(operands.x), weights, bias]), activation))
  }

  /// An optional bias. Integers without a scale of their own are in units of the product of the operands' scales.
  func bias(_ index: Int, input: Int, weights: Int) throws(Failure) -> ValueID? {
    guard has(index) else { return nil }
    let stored = try tensor(index)
    guard stored.element?.isInteger == true, stored.quantization == nil,
      let x = try quantization(of: tensor(input))?.scales.first, let w = try quantization(of: tensor(weights))
    else { return try real(index) }
    let units = TFLiteQuantization(scales: w.scales.map { $0 * x }, zeroPoints: w.scales.map { _ in 0 }, axis: 0)
    return try dequantized(try self.stored(index), units, name: stored.name)
  }

  /// A real operand with its axes in another order; stored constants are reordered at once.
  func rearranged(_ index: Int, _ order: [Int]) throws(Failure) -> ValueID {
    let value = try stored(index)
    let rank = try tensorType(value).rank
    guard rank == order.count else { throw failure("input \(index) has \(rank) axes, not \(order.count)") }
    let turned: ValueID
    if let constant = builder.rewriter.graph[value].constant, let tensor = Tensor(constant), constant.type.element.isInteger,
      let result = try? Transpose(order).evaluate([.tensor(tensor)], EvaluationContext()).first?.tensor
    {
      turned = builder.rewriter.addConstant(Constant(result), name: try self.tensor(index).name)
    } else {
      turned = try builder.emit(
        Transpose(order), [value], name: "\(name)/filters", origin: Origin(), outputs: 1, node: self)[0]
    }
    guard var parameters = try quantization(of: tensor(index)) else { return turned }
    if parameters.isPerChannel { parameters.axis = order.firstIndex(of: parameters.axis) ?? 0 }
    return try dequantized(turned, parameters, name: try tensor(index).name)
  }
}
