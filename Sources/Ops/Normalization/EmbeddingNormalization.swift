package import IR

/// Sum of word, position and segment embeddings, normalised over the features.
///
/// Inputs: word ids [b, s], optional segment ids [b, s], word table [v, h], position table [p, h], optional segment
/// table, gamma [h], beta [h], optional mask [b, s], optional position ids. Outputs: y [b, s, h], int32 number of
/// unmasked words [b], optional sum [b, s, h].
package struct EmbeddingNormalization: ONNXOperator {
  package static let name = "embedding-normalization"

  package var epsilon: Float
  /// 0: no mask count, else the mask counts ones.
  package var maskKind: Int

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let ids = try context.tensor(0)
    let table = try context.tensor(2)
    guard ids.rank == 2, table.rank == 2 else { throw OperatorError("ranks-match", "ids must be [b, s] and the table [v, h]") }
    let y = ValueType.tensor(TensorType(table.element, ids.shape + [table.shape[1]]))
    return Array([y, .tensor(TensorType(.int32, [ids.shape[0]])), y].prefix(max(1, context.outputCount)))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let y = try operands.shape(ofOutput: 0)
    var inputs = try operands.presentInputs()
    // Of the tables only the rows looked up are read.
    let rows = y.reduce(1, *)
    for index in inputs.indices where inputs[index].isConstant { inputs[index].count = min(inputs[index].count, rows) }
    return .reduction(
      Reduction(
        kind: .normalization, rows: y.dropLast().reduce(1, *), columns: y.last ?? 1, inputs: inputs, outputs: try operands.allOutputs(),
        costPerElement: ArithmeticCost(simple: 10)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let ids = try inputs.tensor(0)
    let table = try inputs.tensor(2)
    let width = table.shape.last ?? 1
    guard ids.rank == 2 else { throw OperatorError("ranks-match", "ids must be [b, s], not \(ids.shape)") }
    let length = ids.shape[1]
    let positions = try inputs.optionalTensor(8)?.integers()
    var sum = [Double](repeating: 0, count: ids.count * width)
    func add(_ table: Tensor, _ row: (Int) -> Int64) throws(OperatorError) {
      let values = try table.doubles()
      for index in 0..<ids.count {
        let place = Int(row(index))
        let start = place &* width
        guard place >= 0, place < table.count / max(1, width) else { throw OperatorError("index-range", "an id lies outside its table") }
        for column in 0..<width { sum[index * width + column] += values[start + column] }
      }
    }
    let words = try ids.integers()
    try add(table) { words[$0] }
    try add(try inputs.tensor(3)) { index in
      guard let positions else { return Int64(index % length) }
      return positions[positions.count == length ? index % length : index]
    }
    if let segments = try inputs.optionalTensor(1)?.integers(), let table = try inputs.optionalTensor(4) { try add(table) { segments[$0] } }
    let shape = ids.shape + [width]
    let normalized = try LayerNormalization(axis: -1, epsilon: epsilon).evaluate(
      [.tensor(Tensor(.float64, shape, .float64(sum))), .tensor(try inputs.tensor(5)), .tensor(try inputs.tensor(6))],
      EvaluationContext())
    let mask = try inputs.optionalTensor(7)?.integers()
    let counts = (0..<ids.shape[0]).map { image -> Int64 in
      guard let mask else { return 0 }
      return mask[(image * length)..<((image + 1) * length)].reduce(0, +)
    }
    let y = try normalized.map { $0 }.tensor(0).doubles()
    let outputs: [Tensor] = [
      Tensor(table.element, shape, rounding: y), Tensor(.int32, [ids.shape[0]], saturating: counts),
      Tensor(table.element, shape, rounding: sum),
    ]
    return outputs.prefix(max(1, context.outputCount)).map { .tensor($0) }
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "EmbedLayerNormalization")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> EmbeddingNormalization {
    EmbeddingNormalization(epsilon: try node.float("epsilon") ?? 1e-12, maskKind: try node.integer("mask_index_type") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    // Onnxruntime 1.23 aborts on a file that spells out the default kind of mask.
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "EmbedLayerNormalization"),
      [("epsilon", .float(epsilon))] + (maskKind == 0 ? [] : [("mask_index_type", .integer(maskKind))]))
  }
}
