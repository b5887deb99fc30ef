package import IR
internal import Foundation

/// Maximum, mean or p-norm over a sliding window.
///
/// Input: x [n, c, spatial…]. Outputs: y [n, c, spatial…]; for the maximum optionally its position in x. Channels last, x and
/// y are [n, spatial…, c], and there are no positions.
package struct Pool: ONNXOperator, ImageOperator {
  package static let name = "pool"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case maximum = "MaxPool"
    case average = "AveragePool"
    case norm = "LpPool"
  }

  package var function: Function
  package var kernel: [Int]
  package var strides: [Int]
  package var dilations: [Int]
  /// Begin pads of every axis, then end pads.
  package var pads: [Int]
  package var padding: WindowPadding
  package var roundsUp = false
  /// The mean divides by the window's size in the padding too.
  package var countsPadding = false
  /// Order of the norm.
  package var p = 2
  /// Positions count down columns first.
  package var isColumnMajor = false
  /// Nil: channels first.
  package var layout: ImageLayout?

  private var order: ImageLayout { layout ?? .channelsFirst }
  var imageInputs: Range<Int> { 0..<1 }

  package init(
    _ function: Function, kernel: [Int], strides: [Int], dilations: [Int], pads: [Int], padding: WindowPadding = .explicit
  ) {
    self.function = function
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.pads = pads
    self.padding = padding
  }

  /// ONNX has means of real numbers only: those of integers are rounded.
  func addChannelsFirst(_ inputs: [ValueID?], _ element: ElementType, to body: inout BodyBuilder) throws(OperatorError) -> ValueID {
    var plain = self
    plain.layout = nil
    guard function != .maximum, element.isInteger else { return try body.add(plain, inputs, "channels_first") }
    let real = try body.add(Cast(to: .float32), inputs, "real")
    let mean = try body.add(plain, [real], "channels_first")
    return try body.add(Cast(to: element), [try body.add(UnaryElementwise(.round), [mean], "rounded")], "integers")
  }

  private func window(_ axis: Int) -> WindowAxis {
    WindowAxis(
      taps: .constant(kernel[axis]), stride: strides[axis], dilation: dilations[axis],
      pads: (pads[axis], pads[axis + kernel.count]), padding: padding, roundsUp: roundsUp)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = order.first(try context.tensor(0))
    guard x.rank == kernel.count + 2 else {
      throw OperatorError("ranks-match", "a window of \(kernel.count) axes does not fit the input \(x.shape.text)")
    }
    try WindowAxis.check(kernel.count, steps: [kernel, strides, dilations], pads: pads)
    var shape = Array(x.shape[..<2])
    for axis in kernel.indices {
      let extent = window(axis).output(x.shape[2 + axis])
      if let number = extent.constant, number < 0 || (number == 0 && x.shape[2 + axis] != 0) {
        throw OperatorError("window-fits", "the window does not fit axis \(axis) of \(x.shape.text)")
      }
      shape.append(extent)
    }
    let y = ValueType.tensor(TensorType(x.element, order.restored(shape)))
    return context.outputCount > 1 ? [y, .tensor(TensorType(.int64, shape))] : [y]
  }

  private func geometry(x: [Int], y: [Int]) -> Convolution {
    let pads = kernel.indices.map { window($0).pads(input: x[2 + $0], output: y[2 + $0]) }
    return Convolution(
      images: x[0], inputChannels: x[1], outputChannels: x[1], groups: x[1], input: Array(x[2...]), output: Array(y[2...]),
      kernel: kernel, strides: strides, dilations: dilations, padsBegin: pads.map(\.begin), padsEnd: pads.map(\.end))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let geometry = geometry(
      x: order.first(try operands.shape(ofInput: 0)), y: order.first(try operands.shape(ofOutput: 0)))
    return .reduction(
      Reduction(
        kind: function == .maximum ? .maximum : function == .average ? .mean : .sum, rows: try operands.output().count,
        columns: kernel.reduce(1, *), window: geometry, inputs: [try operands.input(0)], outputs: try operands.allOutputs(),
        costPerElement: ArithmeticCost(simple: function == .norm ? 2 : 1)))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    let spatial = layout == .channelsLast ? 1..<(kernel.count + 1) : 2..<(kernel.count + 2)
    return operands.sameAxisTies(except: Set(spatial))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    if let y = try evaluatedChannelsFirst(inputs, context) { return y }
    let x = try inputs.tensor(0)
    let types = try inferTypes(InferenceContext(inputs: [.tensor(x.type)]))
    guard let shape = types.first?.tensor?.constantShape else { throw OperatorError("window-fits", "the output shape is not known") }
    _ = try shape.evaluableCount()
    let geometry = geometry(x: x.shape, y: shape)
    if let kernels = context.kernels, function == .maximum, context.outputCount == 1, x.element == .float32,
      case .float32(let values) = x.elements
    {
      return [.tensor(Tensor(.float32, shape, .float32(kernels.largest(geometry, values))))]
    }
    let values = try x.doubles()
    if function != .maximum {
      return [.tensor(Tensor(x.element, shape, rounding: function == .average ? mean(values, geometry) : norm(values, geometry)))]
    }
    let best = maximum(values, geometry)
    let y = Datum.tensor(Tensor(x.element, shape, rounding: best.values))
    return context.outputCount > 1 ? [y, .tensor(Tensor(shape, integers: best.positions))] : [y]
  }

  private func maximum(_ x: [Double], _ g: Convolution) -> (values: [Double], positions: [Int64]) {
    let (inPlane, outPlane) = (g.input.reduce(1, *), g.output.reduce(1, *))
    var values = [Double](repeating: -.infinity, count: g.images * g.inputChannels * outPlane)
    var positions = [Int64](repeating: -1, count: values.count)
    let sliding = SlidingWindow(g)
    for tap in 0..<kernel.reduce(1, *) {
      let source = (0..<outPlane).map { sliding.inputOffset(output: $0, tap: tap) }
      for plane in 0..<(g.images * g.inputChannels) {
        for position in 0..<outPlane where source[position] >= 0 {
          let value = x[plane * inPlane + source[position]]
          let target = plane * outPlane + position
          guard value > values[target] || positions[target] < 0 || (value.isNaN && !values[target].isNaN) else { continue }
          values[target] = value
          positions[target] = Int64(plane * inPlane + source[position])
        }
      }
    }
    return (values, isColumnMajor ? positions.map { columnMajor($0, g.input) } : positions)
  }

  /// The same place with the first spatial axis running fastest.
  private func columnMajor(_ position: Int64, _ extents: [Int]) -> Int64 {
    guard position >= 0 else { return position }
    let plane = extents.reduce(1, *)
    var rest = Int(position) % plane
    var offset = 0
    var step = plane
    for extent in extents.reversed() {
      step /= extent
      offset += rest % extent * step
      rest /= extent
    }
    return Int64(Int(position) / plane * plane + offset)
  }

  private func mean(_ x: [Double], _ g: Convolution) -> [Double] {
    let (inPlane, outPlane) = (g.input.reduce(1, *), g.output.reduce(1, *))
    var sums = [Double](repeating: 0, count: g.images * g.inputChannels * outPlane)
    var counts = [Double](repeating: 0, count: outPlane)
    let sliding = SlidingWindow(g)
    // The padded input as an input of its own tells which taps lie in the padding but not beyond it.
    var padded = g
    padded.input = g.input.indices.map { g.input[$0] + g.padsBegin[$0] + g.padsEnd[$0] }
    padded.padsBegin = g.padsBegin.map { _ in 0 }
    let counting = countsPadding ? SlidingWindow(padded) : sliding
    for tap in 0..<kernel.reduce(1, *) {
      let source = (0..<outPlane).map { sliding.inputOffset(output: $0, tap: tap) }
      for position in 0..<outPlane where counting.inputOffset(output: position, tap: tap) >= 0 { counts[position] += 1 }
      for plane in 0..<(g.images * g.inputChannels) {
        for position in 0..<outPlane where source[position] >= 0 {
          sums[plane * outPlane + position] += x[plane * inPlane + source[position]]
        }
      }
    }
    for index in sums.indices { sums[index] /= counts[index % outPlane] }
    return sums
  }

  private func norm(_ x: [Double], _ g: Convolution) -> [Double] {
    let (inPlane, outPlane) = (g.input.reduce(1, *), g.output.reduce(1, *))
    var sums = [Double](repeating: 0, count: g.images * g.inputChannels * outPlane)
    let powers = x.map { Foundation.pow($0.magnitude, Double(p)) }
    let sliding = SlidingWindow(g)
    for tap in 0..<kernel.reduce(1, *) {
      let source = (0..<outPlane).map { sliding.inputOffset(output: $0, tap: tap) }
      for plane in 0..<(g.images * g.inputChannels) {
        for position in 0..<outPlane where source[position] >= 0 {
          sums[plane * outPlane + position] += powers[plane * inPlane + source[position]]
        }
      }
    }
    return sums.map { Foundation.pow($0, 1 / Double(p)) }
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName($0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Pool {
    guard let function = Function(rawValue: node.name.type) else {
      throw OperatorError("unknown-function", "no pooling \(node.name.type)")
    }
    guard let kernel = try node.integers("kernel_shape"), !kernel.isEmpty else {
      throw OperatorError("missing-attribute", "\(node.name.type) needs the attribute 'kernel_shape'")
    }
    var pool = Pool(
      function, kernel: kernel, strides: try node.integers("strides") ?? kernel.map { _ in 1 },
      dilations: try node.integers("dilations") ?? kernel.map { _ in 1 },
      pads: try node.integers("pads") ?? Array(repeating: 0, count: 2 * kernel.count),
      padding: WindowPadding(onnx: try node.string("auto_pad")))
    pool.roundsUp = try node.integer("ceil_mode") ?? 0 != 0
    pool.countsPadding = try node.integer("count_include_pad") ?? 0 != 0
    pool.p = try node.integer("p") ?? 2
    pool.isColumnMajor = try node.integer("storage_order") ?? 0 != 0
    return pool
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("kernel_shape", .integers(kernel)), ("strides", .integers(strides)), padding.onnxAttribute(pads: pads),
      ("ceil_mode", .integer(roundsUp ? 1 : 0)),
    ]
    // Older operator sets know dilations for maxima alone.
    if function == .maximum || dilations.contains(where: { $0 != 1 }) { attributes.append(("dilations", .integers(dilations))) }
    switch function {
    case .maximum: attributes.append(("storage_order", .integer(isColumnMajor ? 1 : 0)))
    case .average: attributes.append(("count_include_pad", .integer(countsPadding ? 1 : 0)))
    case .norm: attributes.append(("p", .integer(p)))
    }
    return ONNXSpelling(ONNXName(function.rawValue), attributes)
  }
}
