package import IR

/// ONNX fixes what is added, and adds it behind the root.
extension MeanVarianceNormalization: ONNXDecomposable {
  package var isAbsentFromONNX: Bool { epsilon != nil }

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    let x = try context.tensor(0)
    var body = BodyBuilder("mean-variance-normalization", context)
    let axes = try resolveAxes(self.axes, rank: x.rank)
    let list = body.constant(Tensor([axes.count], integers: axes.map(Int64.init)), "axes")
    let mean = try body.add(Reduce(.mean), [body.inputs[0], list], "mean")
    let deviations = try body.add(BinaryElementwise(.sub), [body.inputs[0], mean], "deviations")
    let squares = try body.add(BinaryElementwise(.mul), [deviations, deviations], "squares")
    let variance = try body.add(Reduce(.mean), [squares, list], "variance")
    let shifted = try body.add(
      BinaryElementwise(.add), [variance, body.scalar(Double(epsilon ?? 0), x.element, "epsilon")], "shifted")
    let root = try body.add(UnaryElementwise(.sqrt), [shifted], "root")
    return body.finish(try body.add(BinaryElementwise(.div), [deviations, root], "normalized"))
  }
}
