package import IR

/// Where the channels of an image (or of the filters over it) stand among its axes.
///
/// Operators work channels first; this says how an operand whose channels are last is seen that way. Machines see geometry,
/// never a layout: no bytes move.
package enum ImageLayout: String, Codable, Sendable, Hashable, CaseIterable {
  /// [n, c, spatial…], filters [f, c, taps…].
  case channelsFirst = "channels-first"
  /// [n, spatial…, c], filters [f, taps…, c].
  case channelsLast = "channels-last"

  /// The extents with channels at the second place.
  package func first<Extent>(_ shape: [Extent]) -> [Extent] {
    guard self == .channelsLast, shape.count > 2, let channels = shape.last else { return shape }
    return [shape[0], channels] + shape[1..<(shape.count - 1)]
  }

  /// The inverse of `first`.
  package func restored<Extent>(_ shape: [Extent]) -> [Extent] {
    guard self == .channelsLast, shape.count > 2 else { return shape }
    return [shape[0]] + shape[2...] + [shape[1]]
  }

  package func first(_ type: TensorType) -> TensorType {
    TensorType(type.element, first(type.shape), encoding: type.encoding)
  }

  package func first(_ tensor: Tensor) -> Tensor { permuted(tensor, first(Array(tensor.shape.indices))) }

  package func restored(_ tensor: Tensor) -> Tensor { permuted(tensor, restored(Array(tensor.shape.indices))) }

  private func permuted(_ tensor: Tensor, _ order: [Int]) -> Tensor {
    guard self == .channelsLast, tensor.rank > 2 else { return tensor }
    let strides = tensor.shape.rowMajorStrides
    let shape = order.map { tensor.shape[$0] }
    return tensor.rearranged(shape, StridedView(shape: shape, strides: order.map { strides[$0] }))
  }
}

/// An operator over images that ONNX has for channels first only.
protocol ImageOperator: ONNXDecomposable {
  /// Nil: channels first.
  var layout: ImageLayout? { get set }
  /// Which inputs have channels: the image, and filters.
  var imageInputs: Range<Int> { get }
  /// Adds the operator with channels first to a body.
  func addChannelsFirst(_ inputs: [ValueID?], _ element: ElementType, to body: inout BodyBuilder) throws(OperatorError) -> ValueID
}

extension ImageOperator {
  package var isAbsentFromONNX: Bool { layout == .channelsLast }

  /// The results by way of channels first; nil when channels are first already.
  func evaluatedChannelsFirst(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum]? {
    guard let layout, layout == .channelsLast else { return nil }
    guard context.outputCount == 1 else { throw OperatorError("one-result", "only channels first gives a second result") }
    var plain = self
    plain.layout = nil
    var operands = inputs
    for index in imageInputs where index < inputs.count { operands[index] = .tensor(layout.first(try inputs.tensor(index))) }
    let y = try plain.evaluate(operands, context).map { $0 }.tensor(0)
    return [.tensor(layout.restored(y))]
  }

  func addChannelsFirst(_ inputs: [ValueID?], _ element: ElementType, to body: inout BodyBuilder) throws(OperatorError) -> ValueID {
    var plain = self
    plain.layout = nil
    return try body.add(plain, inputs, "channels_first")
  }

  /// The same operator between transpositions.
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder(Self.name, context)
    var operands: [ValueID?] = []
    for (index, input) in body.inputs.enumerated() {
      guard imageInputs.contains(index) else {
        operands.append(input)
        continue
      }
      let order = ImageLayout.channelsLast.first(Array(0..<(try context.tensor(index).rank)))
      operands.append(try body.add(Transpose(order), [input], "channels_first_\(index)"))
    }
    let y = try addChannelsFirst(operands, try context.element(0), to: &body)
    let order = ImageLayout.channelsLast.restored(Array(0..<(try context.tensor(0).rank)))
    return body.finish(try body.add(Transpose(order), [y], "y"))
  }
}
