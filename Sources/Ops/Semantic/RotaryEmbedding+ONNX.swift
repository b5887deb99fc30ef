package import IR

/// ONNX has the operator with positions only; tables that are already chosen are written out.
extension RotaryEmbedding: ONNXDecomposable {
  package var isAbsentFromONNX: Bool { false }

  package func needsONNXBody(presentInputs: [Bool]) -> Bool { presentInputs.count > 1 && !presentInputs[1] }

  /// [x₁·cos − x₂·sin, x₁·sin + x₂·cos] of the pairs of every head, and what is behind them as it is.
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    let (x, table) = (try context.tensor(0), try context.tensor(2))
    guard let pairs = table.shape.last?.constant, table.rank == 2 || table.rank == 3 else {
      throw OperatorError("rotation-form", "only tables with a known number of pairs are written without positions")
    }
    var body = BodyBuilder("rotary-embedding", context)
    // Heads of three axes stand behind positions, those of four before them.
    var heads = body.inputs[0]
    if x.rank == 3 {
      let count = self.heads > 0 ? self.heads : (x.shape[2].constant ?? 0) / max(2 * pairs, rotated)
      heads = try body.add(Reshape(), [heads, body.integers([0, 0, max(1, count), -1], "heads")], "apart")
    }
    let whole = x.rank == 3 ? nil : x.shape[3].constant
    let turned = whole == 2 * pairs ? heads : try body.part(heads, 0, 2 * pairs, "turned")
    var tables = [body.inputs[1], body.inputs[2]]
    if x.rank == 3 || table.rank == 3 {
      let axis = body.integers([x.rank == 3 ? -2 : 1], "axis")
      for index in tables.indices { tables[index] = try body.add(Unsqueeze(), [tables[index], axis], "table\(index)") }
    }
    var result = try rotated(turned, tables, pairs, &body)
    if whole != 2 * pairs {
      result = try body.add(Concatenate(axis: -1), [result, try body.part(heads, 2 * pairs, Int.max, "rest")], "together")
    }
    if x.rank == 3 { result = try body.add(Reshape(), [result, body.integers([0, 0, -1], "shape")], "flat") }
    if scale != 1 { result = try body.add(BinaryElementwise(.mul), [result, body.scalar(Double(scale), x.element, "scale")], "scaled") }
    return body.finish(result)
  }

  private func rotated(
    _ x: ValueID, _ tables: [ValueID], _ pairs: Int, _ body: inout BodyBuilder
  ) throws(OperatorError) -> ValueID {
    var (x, tables) = (x, tables)
    if isInterleaved {
      // Neighbours are told apart along an axis of their own.
      x = try body.add(Reshape(), [x, body.integers([0, 0, 0, pairs, 2], "neighbours")], "pairs")
      let axis = body.integers([-1], "feature")
      for index in tables.indices { tables[index] = try body.add(Unsqueeze(), [tables[index], axis], "angles\(index)") }
    }
    let parts = try body.split(x, axis: -1, into: 2, isInterleaved ? "features" : "halves")
    func product(_ part: Int, _ table: Int, _ body: inout BodyBuilder) throws(OperatorError) -> ValueID {
      try body.add(BinaryElementwise(.mul), [parts[part], tables[table]], "product\(part)\(table)")
    }
    let first = try body.add(BinaryElementwise(.sub), [try product(0, 0, &body), try product(1, 1, &body)], "first")
    let second = try body.add(BinaryElementwise(.add), [try product(0, 1, &body), try product(1, 0, &body)], "second")
    let joined = try body.add(Concatenate(axis: -1), [first, second], "rotated")
    return isInterleaved ? try body.add(Reshape(), [joined, body.integers([0, 0, 0, 2 * pairs], "features")], "joined") : joined
  }
}

extension BodyBuilder {
  fileprivate mutating func integers(_ values: [Int], _ name: String) -> ValueID {
    constant(Tensor([values.count], integers: values.map(Int64.init)), name)
  }

  /// A range of the last axis.
  fileprivate mutating func part(_ value: ValueID, _ start: Int, _ end: Int, _ name: String) throws(OperatorError) -> ValueID {
    try add(Slice(), [value, integers([start], "\(name).start"), integers([end], "\(name).end"), integers([-1], "\(name).axis")], name)
  }
}
