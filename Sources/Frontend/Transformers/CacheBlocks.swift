internal import Basic
internal import IR
internal import Ops

extension TransformerBlocks {
  /// Caches that already hold the new keys and values; those become results of the graph.
  mutating func caches(
    _ key: ValueID, _ value: ValueID, heads: Int, depth: Int, valueDepth: Int
  ) -> (key: ValueID, value: ValueID) {
    newEntries += [key, value]
    let length = Dimension.symbol("past") + sequence
    let shape = [batch, Dimension.constant(heads), length]
    return (
      writer.input("\(writer.scope).cache.key", .float32, shape + [.constant(depth)]),
      writer.input("\(writer.scope).cache.value", .float32, shape + [.constant(valueDepth)])
    )
  }

  /// [b, s, heads·d] with features rotated by position.
  mutating func rotated(_ x: ValueID, _ heads: Int, _ tables: [ValueID], _ name: String) throws(OperatorError) -> ValueID {
    try writer.apply(RotaryEmbedding(heads: heads), [x, nil, tables[0], tables[1]], name)
  }
}
