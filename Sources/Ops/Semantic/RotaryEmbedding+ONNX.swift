package import IR

/// ONNX has the operator with positions only; tables that are already chosen are written out.
extension RotaryEmbedding: ONNXDecomposable {
  package var isAbsentFromONNX: Bool { false }

  package func needsONNXBody(presentInputs: [Bool]) -> Bool { presentInputs.count > 1 && !presentInputs[1] }

  /// [x₁·cos − x₂·sin, x₁·sin + x₂·cos] of the halves of the last axis.
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    let (x, table) = (try context.tensor(0), try context.tensor(2))
    guard x.rank == 4, !isInterleaved, scale == 1, table.rank == 2 || table.rank == 3, let depth = x.shape[3].constant,
      let half = table.shape.last?.constant, depth == 2 * half
    else { throw OperatorError("rotation-form", "only whole heads with plain halves are written without positions") }
    var body = BodyBuilder("rotary-embedding", context)
    var tables = [body.inputs[1], body.inputs[2]]
    if table.rank == 3 {
      let axis = body.constant(Tensor([1], integers: [1]), "axis")
      for index in tables.indices { tables[index] = try body.add(Unsqueeze(), [tables[index], axis], "table\(index)") }
    }
    let halves = try body.split(body.inputs[0], axis: -1, into: 2, "halves")
    func product(_ half: Int, _ table: Int, _ body: inout BodyBuilder) throws(OperatorError) -> ValueID {
      try body.add(BinaryElementwise(.mul), [halves[half], tables[table]], "product\(half)\(table)")
    }
    let first = try body.add(
      BinaryElementwise(.sub), [try product(0, 0, &body), try product(1, 1, &body)], "first")
    let second = try body.add(
      BinaryElementwise(.add), [try product(0, 1, &body), try product(1, 0, &body)], "second")
    return body.finish(try body.add(Concatenate(axis: -1), [first, second], "rotated"))
  }
}
