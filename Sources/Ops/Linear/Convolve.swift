package import IR

/// Convolution with any number of spatial axes: y[n,f,o] = b[f] + Σ_{c,t} x[n,c,o·stride + t·dilation − pad]·w[f,c,t].
///
/// Inputs: x [n, c, spatial…], w [f, c/groups, taps…], optional b [f]. Output: [n, f, spatial…]. Channels last, x is
/// [n, spatial…, c], w [f, taps…, c/groups] and the output [n, spatial…, f].
package struct Convolve: ONNXOperator, ImageOperator, WeightedOperator {
  package static let name = "conv"

  package var strides: [Int]
  package var dilations: [Int]
  /// Begin pads of every axis, then end pads.
  package var pads: [Int]
  package var groups: Int
  package var padding: WindowPadding
  /// Nil: channels first.
  package var layout: ImageLayout?

  package init(
    strides: [Int], dilations: [Int], pads: [Int], groups: Int = 1, padding: WindowPadding = .explicit,
    layout: ImageLayout? = nil
  ) {
    self.strides = strides
    self.dilations = dilations
    self.pads = pads
    self.groups = groups
    self.padding = padding
    self.layout = layout
  }

  private var order: ImageLayout { layout ?? .channelsFirst }
  var imageInputs: Range<Int> { 0..<2 }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let weight = try context.tensor(1)
    let x = order.first(try context.tensor(0, rank: weight.rank))
    let w = order.first(weight)
    let spatial = x.rank - 2
    guard spatial >= 1, w.rank == x.rank else {
      throw OperatorError("ranks-match", "input \(x.shape.text) and weight \(w.shape.text) must have the same rank of at least 3")
    }
    try WindowAxis.check(spatial, steps: [strides, dilations], pads: pads)
    guard groups > 0 else { throw OperatorError("groups-positive", "the number of groups must be positive") }
    if let c = x.shape[1].constant, let perGroup = w.shape[1].constant, c % groups != 0 || c / groups != perGroup {
      throw OperatorError("channels-match", "the input has \(c) channels but the weight expects \(perGroup) × \(groups) groups")
    }
    if let filters = w.shape[0].constant, filters % groups != 0 {
      throw OperatorError("groups-divide", "\(filters) filters do not divide into \(groups) groups")
    }
    var shape = [x.shape[0], w.shape[0]]
    for axis in 0..<spatial {
      let extent = window(axis, taps: w.shape[2 + axis]).output(x.shape[2 + axis])
      if let number = extent.constant, number < 0 || (number == 0 && x.shape[2 + axis] != 0) {
        throw OperatorError("window-fits", "the window does not fit axis \(axis) of \(x.shape.text)")
      }
      shape.append(extent)
    }
    return [.tensor(TensorType(x.element, order.restored(shape)))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let geometry = geometry(
      x: order.first(try operands.shape(ofInput: 0)), w: order.first(try operands.shape(ofInput: 1)),
      y: order.first(try operands.shape(ofOutput: 0)))
    return .contraction(
      Contraction(
        batch: groups, m: geometry.images * geometry.output.reduce(1, *), n: geometry.outputChannels / groups,
        k: geometry.inputChannels / groups * geometry.kernel.reduce(1, *), lhs: try operands.input(0),
        rhs: try operands.input(1), output: try operands.output(), convolution: geometry,
        hasBias: operands.inputs.count > 2 && operands.inputs[2] != nil))
  }

  /// Filters of every group, and channels of every group, are units; a depthwise filter belongs to its channel.
  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let x = operands.shape(.input(0)), let w = operands.shape(.input(1)) else { return [] }
    let channel = channelAxis(x.count)
    let bias = operands.shape(.input(2)) == nil ? [] : [AxisMap(.input(2), 0)]
    if groups > 1, w[channel] == 1 {
      let perChannel = w[0] / groups
      let filters = ([AxisMap(.output(0), channel), AxisMap(.input(1), 0)] + bias).map { AxisMap($0.slot, $0.axis, inner: perChannel) }
      return [AxisTie(count: x[channel], [AxisMap(.input(0), channel)] + filters)]
    }
    let made = ([AxisMap(.output(0), channel), AxisMap(.input(1), 0)] + bias).map { AxisMap($0.slot, $0.axis, outer: groups) }
    return [
      AxisTie(.produced, count: w[0] / groups, made),
      AxisTie(.summed, count: w[channel], [AxisMap(.input(0), channel, outer: groups), AxisMap(.input(1), channel)]),
    ]
  }

  package func resized(from old: OperandTypes, to new: OperandTypes) -> (operation: any Operator, contents: [Int: [Int]]) {
    var result = self
    if groups > 1, let w = old.shape(.input(1)), let x = new.shape(.input(0)), w[channelAxis(w.count)] == 1 {
      result.groups = x[channelAxis(x.count)]
    }
    return (result, [:])
  }

  private func channelAxis(_ rank: Int) -> Int { layout == .channelsLast ? rank - 1 : 1 }

  /// From shapes with channels first.
  package func geometry(x: [Int], w: [Int], y: [Int]) -> Convolution {
    let spatial = x.count - 2
    let pads = (0..<spatial).map { axis in
      window(axis, taps: .constant(w[2 + axis])).pads(input: x[2 + axis], output: y[2 + axis])
    }
    return Convolution(
      images: x[0], inputChannels: x[1], outputChannels: w[0], groups: groups, input: Array(x[2...]),
      output: Array(y[2...]), kernel: Array(w[2...]), strides: strides, dilations: dilations,
      padsBegin: pads.map(\.begin), padsEnd: pads.map(\.end))
  }

  private func window(_ axis: Int, taps: Dimension) -> WindowAxis {
    WindowAxis(
      taps: taps, stride: strides[axis], dilation: dilations[axis], pads: (pads[axis], pads[axis + strides.count]),
      padding: padding)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    if let y = try evaluatedChannelsFirst(inputs, context) { return y }
    let x = try inputs.tensor(0)
    let w = try inputs.tensor(1)
    let types = try inferTypes(InferenceContext(inputs: [.tensor(x.type), .tensor(w.type)]))
    guard let shape = types.first?.tensor?.constantShape else { throw OperatorError("window-fits", "the output shape is not known") }
    let geometry = geometry(x: x.shape, w: w.shape, y: shape)
    if let y = try context.convolution(geometry, x, w, bias: try inputs.optionalTensor(2), shape: shape) { return [.tensor(y)] }
    var result = [Double](repeating: 0, count: try shape.evaluableCount())
    SlidingWindow(geometry).accumulate(try x.doubles(), try w.doubles(), into: &result)
    if let bias = try inputs.optionalTensor(2)?.doubles() {
      let plane = geometry.output.reduce(1, *)
      for index in result.indices { result[index] += bias[index / plane % geometry.outputChannels] }
    }
    return [.tensor(Tensor(x.element, shape, rounding: result))]
  }

  package static var onnxNames: [ONNXName] { ["Conv", ONNXName(domain: "com.microsoft", "NhwcConv")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Convolve {
    var result = try Convolve(importing: &node, weight: 1)
    if node.name.type == "NhwcConv" {
      node.putChannelsLast(ofFilters: 1)
      result.layout = .channelsLast
    }
    return result
  }

  /// The attributes that every convolution has; input `weight` tells the number of spatial axes.
  init(importing node: inout ONNXNode, weight: Int) throws(OperatorError) {
    guard node.inputTypes.count > weight, let w = node.inputTypes[weight]?.tensor, w.rank >= 3 else {
      throw OperatorError("weight-rank", "a convolution needs a weight of known rank, at least 3")
    }
    node.ignore("kernel_shape")
    let spatial = w.rank - 2
    self.init(
      strides: try node.integers("strides") ?? Array(repeating: 1, count: spatial),
      dilations: try node.integers("dilations") ?? Array(repeating: 1, count: spatial),
      pads: try node.integers("pads") ?? Array(repeating: 0, count: 2 * spatial), groups: try node.integer("group") ?? 1,
      padding: WindowPadding(onnx: try node.string("auto_pad")))
  }

  package func weightLayout(rank: Int) -> WeightLayout {
    guard layout != .channelsLast else {
      return WeightLayout(
        outputAxis: 0, reductionAxes: [rank - 1] + Array(1..<max(1, rank - 1)), groups: groups, channelAxisOfInput: -1, biasInput: 2)
    }
    return WeightLayout(outputAxis: 0, reductionAxes: Array(1..<max(1, rank)), groups: groups, channelAxisOfInput: 1, biasInput: 2)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "Conv",
      [
        ("dilations", .integers(dilations)), ("group", .integer(groups)), ("strides", .integers(strides)),
        padding.onnxAttribute(pads: pads),
      ])
  }
}

extension ONNXNode {
  /// Filters [f, c, taps…] beside images whose channels are last, as [f, taps…, c].
  mutating func putChannelsLast(ofFilters index: Int) {
    guard index < inputs.count, case .value(let value) = inputs[index], let rank = inputTypes[index]?.tensor?.rank else { return }
    inputs[index] = .transposed(value, order: ImageLayout.channelsLast.restored(Array(0..<rank)))
  }
}
