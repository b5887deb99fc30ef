package import IR

/// ONNX has no least length.
extension LpNormalization: ONNXDecomposable {
  package var isAbsentFromONNX: Bool { epsilon != nil }

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    let x = try context.tensor(0)
    var body = BodyBuilder("lp-normalization", context)
    let axes = body.constant(Tensor([1], integers: [Int64(try resolveAxis(axis, rank: x.rank))]), "axis")
    var length = try body.add(Reduce(p == 1 ? .l1 : .l2), [body.inputs[0], axes], "length")
    if let epsilon, epsilon > 0 {
      length = try body.add(Clip(), [length, body.scalar(Double(epsilon), x.element, "epsilon")], "least-length")
    }
    return body.finish(try body.add(BinaryElementwise(.div), [body.inputs[0], length], "normalized"))
  }
}
