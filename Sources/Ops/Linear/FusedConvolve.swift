package import IR

/// Convolution, then an optional sum, then an activation.
///
/// Inputs: x, w, optional b as for a convolution, optional z like the result. Output: activation(conv(x, w, b) + z).
package struct FusedConvolve: ONNXOperator {
  package static let name = "conv-fused"

  package var strides: [Int]
  package var dilations: [Int]
  package var pads: [Int]
  package var groups: Int
  package var padding: WindowPadding
  /// In ONNX's spelling; empty for none.
  package var activation: String
  package var parameters: [Float]
  /// Nil: channels first; otherwise of x, w, z and the result.
  package var layout: ImageLayout?

  package var convolution: Convolve {
    Convolve(strides: strides, dilations: dilations, pads: pads, groups: groups, padding: padding, layout: layout)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    _ = try function()
    return try convolution.inferTypes(context)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try convolution.computation(operands)
  }

  private func function() throws(OperatorError) -> RecurrentActivation? {
    switch activation {
    case "", "Clip": nil
    default: try RecurrentActivation.list([activation], alphas: Array(parameters.prefix(1)), betas: Array(parameters.dropFirst())).first
    }
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var sums = try convolution.evaluate(inputs, context).map { $0 }.tensor(0)
    if let kernel = UnaryElementwise.Function.allCases.first(where: { $0.onnxName == activation }) {
      if let z = try inputs.optionalTensor(3) { sums = try BinaryElementwise.Function.add.apply(sums, z) }
      return try UnaryElementwise(kernel).evaluate([.tensor(sums)], context)
    }
    var y = try sums.doubles().shifted(by: try inputs.optionalTensor(3), shape: sums.shape)
    if let function = try function() { y = y.map { function($0) } }
    if activation == "Clip", parameters.count == 2 { y = y.map { min(max($0, Double(parameters[0])), Double(parameters[1])) } }
    return [.tensor(Tensor(sums.element, sums.shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["FusedConv", "NhwcFusedConv"].map { ONNXName(domain: "com.microsoft", $0) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> FusedConvolve {
    let plain = try Convolve(importing: &node, weight: 1)
    let isChannelsLast = node.name.type == "NhwcFusedConv"
    if isChannelsLast { node.putChannelsLast(ofFilters: 1) }
    return FusedConvolve(
      strides: plain.strides, dilations: plain.dilations, pads: plain.pads, groups: plain.groups, padding: plain.padding,
      activation: try node.string("activation") ?? "", parameters: try node.floats("activation_params") ?? [],
      layout: isChannelsLast ? .channelsLast : nil)
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes = convolution.exportONNX().attributes
    if !activation.isEmpty { attributes.append(("activation", .string(activation))) }
    if !parameters.isEmpty { attributes.append(("activation_params", .floats(parameters))) }
    return ONNXSpelling(ONNXName(domain: "com.microsoft", "FusedConv"), attributes)
  }
}

/// With channels last, written as the same operator between transpositions.
extension FusedConvolve: ONNXDecomposable {
  package var isAbsentFromONNX: Bool { layout == .channelsLast }

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder("conv-fused", context)
    var present = body.inputs.makeIterator()
    var operands: [ValueID?] = []
    for (index, type) in context.inputs.enumerated() {
      let value = type == nil ? nil : present.next()
      guard index != 2, let value, let rank = type?.tensor?.rank else {
        operands.append(value)
        continue
      }
      operands.append(try body.add(Transpose(ImageLayout.channelsLast.first(Array(0..<rank))), [value], "channels_first_\(index)"))
    }
    var plain = self
    plain.layout = nil
    let y = try body.add(plain, operands, "channels_first")
    let order = ImageLayout.channelsLast.restored(Array(0..<(try context.tensor(0).rank)))
    return body.finish(try body.add(Transpose(order), [y], "y"))
  }
}
