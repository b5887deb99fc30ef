package import IR
internal import Ops

/// Bytes a model's constants take when packed, by what they are.
package struct PackedSize: Sendable, Hashable, Codable {
  /// Weights, quantised or not.
  package var weights = 0
  package var scales = 0
  package var zeroPoints = 0
  /// Tables that codebooks look weights up in.
  package var codebooks = 0
  /// Positions of what sparsity keeps.
  package var sparsityMetadata = 0
  /// Biases, tables, shapes and other constants.
  package var others = 0

  package var total: Int { weights + scales + zeroPoints + codebooks + sparsityMetadata + others }

  package init(_ graph: Graph) {
    var roles: [ValueID: WritableKeyPath<PackedSize, Int>] = [:]
    let users = graph.usersByValue()
    for id in graph.nodeIDs {
      let node = graph[id]
      let slots: [WritableKeyPath<PackedSize, Int>] =
        switch node.operation {
        case is Dequantize: [\.weights, \.scales, \.zeroPoints]
        case is Quantize: [\.others, \.scales, \.zeroPoints]
        case is any WeightedOperator: [\.others, \.weights]
        case is Cast: [\.weights]
        case is Expand where users[node.outputs[0].index].contains(where: { Self.isScale(node.outputs[0], of: graph[$0]) }): [\.scales]
        case is Gather where users[node.outputs[0].index].contains(where: { graph[$0].operation is Dequantize }): [\.codebooks]
        default: []
        }
      for (slot, input) in zip(slots, node.inputs) {
        if let input, roles[input] == nil, graph[input].constant != nil { roles[input] = slot }
      }
    }
    for id in graph.valueIDs {
      guard let type = graph[id].constant?.type, let count = type.elementCount else { continue }
      let dense = Encoding(quantization: type.encoding.quantization).storedBytes(count, of: type.element)
      let packed = type.encoding.storedBytes(count, of: type.element)
      guard type.encoding.sparsity != .dense else {
        self[keyPath: roles[id] ?? \.others] += dense
        continue
      }
      let values = Self.keptBytes(type, count, dense: dense)
      self[keyPath: roles[id] ?? \.others] += min(values, packed)
      sparsityMetadata += max(0, packed - values)
    }
  }

  private static func isScale(_ value: ValueID, of node: Node) -> Bool {
    (node.operation is Dequantize || node.operation is Quantize) && node.inputs[1] == value
  }

  /// Reports written before codebooks were counted have none.
  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    weights = try fields.decode(Int.self, forKey: .weights)
    scales = try fields.decode(Int.self, forKey: .scales)
    zeroPoints = try fields.decode(Int.self, forKey: .zeroPoints)
    codebooks = try fields.decodeIfPresent(Int.self, forKey: .codebooks) ?? 0
    sparsityMetadata = try fields.decode(Int.self, forKey: .sparsityMetadata)
    others = try fields.decode(Int.self, forKey: .others)
  }

  /// Bytes of the values that sparsity keeps.
  private static func keptBytes(_ type: TensorType, _ count: Int, dense: Int) -> Int {
    switch type.encoding.sparsity {
    case .dense: dense
    case .structured(let kept, let of): (dense * kept + of - 1) / max(1, of)
    case .unstructured(let density): (dense * density + 999_999) / 1_000_000
    }
  }
}
