package import IR

/// Group normalisation of images with an optional SiLU behind it (com.microsoft GroupNorm).
///
/// Inputs: x [n, spatial…, c] (or [n, c, spatial…]), scale and bias [c]. Output: like x.
package struct ImageGroupNormalization: ONNXOperator {
  package static let name = "image-group-normalization"

  package var groups: Int
  package var epsilon: Float
  package var layout: ImageLayout
  package var appliesSiLU: Bool

  package init(groups: Int, epsilon: Float = 1e-5, layout: ImageLayout = .channelsLast, appliesSiLU: Bool = false) {
    self.groups = groups
    self.epsilon = epsilon
    self.layout = layout
    self.appliesSiLU = appliesSiLU
  }

  private var plain: GroupNormalization { GroupNormalization(groups: groups, epsilon: epsilon) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 3, groups > 0 else { throw OperatorError("ranks-match", "the input \(x.shape.text) is no image in \(groups) groups") }
    var channelsFirst = context
    channelsFirst.inputs[0] = .tensor(layout.first(x))
    _ = try plain.inferTypes(channelsFirst)
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let rows = shape[0] * groups
    let gate = appliesSiLU ? UnaryElementwise.Function.silu.cost : ArithmeticCost()
    return try operands.normalization(
      rows: rows, columns: shape.reduce(1, *) / max(1, rows), simple: 8 + gate.simple, special: gate.special)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = layout.first(try inputs.tensor(0))
    var y: [Datum?] = try plain.evaluate([.tensor(x)] + inputs.dropFirst(), context)
    if appliesSiLU { y = try UnaryElementwise(.silu).evaluate(y, context) }
    return [.tensor(layout.restored(try y.tensor(0)))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "GroupNorm")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ImageGroupNormalization {
    guard let groups = try node.integer("groups"), groups > 0, let activation = try node.integer("activation"),
      [0, 1].contains(activation)
    else { throw OperatorError("missing-attribute", "GroupNorm needs positive 'groups' and an 'activation' of 0 or 1") }
    return ImageGroupNormalization(
      groups: groups, epsilon: try node.float("epsilon") ?? 1e-5,
      layout: try node.integer("channels_last") ?? 1 == 0 ? .channelsFirst : .channelsLast, appliesSiLU: activation == 1)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "GroupNorm"),
      [
        ("groups", .integer(groups)), ("epsilon", .float(epsilon)), ("activation", .integer(appliesSiLU ? 1 : 0)),
        ("channels_last", .integer(layout == .channelsLast ? 1 : 0)),
      ])
  }
}

/// Written with operators that every runtime has.
extension ImageGroupNormalization: ONNXDecomposable {
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    let axes = Array(try context.tensor(0).shape.indices)
    var body = BodyBuilder("image-group-normalization", context)
    var y = body.inputs[0]
    if layout == .channelsLast { y = try body.add(Transpose(layout.first(axes)), [y], "channels-first") }
    y = try body.add(plain, [y] + body.inputs.dropFirst(), "normalized")
    if appliesSiLU { y = try body.add(UnaryElementwise(.silu), [y], "activated") }
    if layout == .channelsLast { y = try body.add(Transpose(layout.restored(axes)), [y], "channels-last") }
    return body.finish(y)
  }
}
