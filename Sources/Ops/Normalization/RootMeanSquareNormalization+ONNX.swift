package import IR

extension RootMeanSquareNormalization: ONNXDecomposable {
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    let x = try context.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    var body = BodyBuilder("rms-normalization", context)
    let wide = x.element == statistics ? body.inputs[0] : try body.add(Cast(to: statistics), [body.inputs[0]], "wide")
    let squares = try body.add(BinaryElementwise(.mul), [wide, wide], "squares")
    let axes = body.constant(Tensor([x.rank - axis], integers: (axis..<x.rank).map(Int64.init)), "axes")
    let mean = try body.add(Reduce(.mean), [squares, axes], "mean-square")
    let shifted = try body.add(
      BinaryElementwise(.add), [mean, body.scalar(Double(epsilon), statistics, "epsilon")], "shifted")
    let root = try body.add(UnaryElementwise(.sqrt), [shifted], "root")
    var y = try body.add(BinaryElementwise(.div), [wide, root], "normalized")
    if x.element != statistics { y = try body.add(Cast(to: x.element), [y], "narrow") }
    if context.hasInput(1) { y = try body.add(BinaryElementwise(.mul), [y, body.inputs[1]], "scaled") }
    return body.finish(y)
  }
}
