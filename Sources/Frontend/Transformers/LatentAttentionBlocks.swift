internal import Basic
internal import IR
internal import Ops

extension TransformerBlocks {
  /// Multi-head latent attention: keys and values are expanded from one latent vector per token in prefill; in decode
  /// queries are carried into the latent space instead, where all heads share one key of rank + rotated features.
  mutating func latentAttention(
    _ x: ValueID, _ latent: TransformerConfig.Latent, _ tables: [ValueID]
  ) throws(OperatorError) -> ValueID {
    let heads = config.heads
    let depth = latent.plain + latent.rotated
    let query: ValueID
    if let rank = latent.queryRank {
      let down = try writer.linear(x, config.hidden, rank, "attention.query.down", bias: false)
      let normed = try writer.rootMeanSquareNorm(down, rank, "attention.query.norm")
      query = try writer.linear(normed, rank, heads * depth, "attention.query.up", bias: false)
    } else {
      query = try writer.linear(x, config.hidden, heads * depth, "attention.query", bias: false)
    }
    let q = try rotatedHeads(query, heads: heads, depth: depth, tables)
    let stored = try writer.linear(x, config.hidden, latent.keyRank + latent.rotated, "attention.key.down", bias: false)
    let entry = try writer.rootMeanSquareNorm(stored, latent.keyRank + latent.rotated, "attention.key.norm")
    let attended = hasPast ? try absorbed(q, entry, latent) : try expanded(q, entry, latent)
    let joined = try writer.joinHeads(attended, heads * latent.value, "attention.join")
    return try writer.linear(joined, heads * latent.value, config.hidden, "attention.output", bias: false)
  }

  private mutating func rotatedHeads(_ x: ValueID, heads: Int, depth: Int, _ tables: [ValueID]) throws(OperatorError) -> ValueID {
    try writer.splitHeads(try rotated(x, heads, tables, "attention.query"), heads, depth, "attention.query")
  }

  /// Keys and values of every head from the latent vectors.
  private mutating func expanded(_ q: ValueID, _ entry: ValueID, _ latent: TransformerConfig.Latent) throws(OperatorError) -> ValueID {
    let (heads, from) = (config.heads, latent.keyRank + latent.rotated)
    let key = try writer.linear(entry, from, heads * (latent.plain + latent.rotated), "attention.key.up", bias: false)
    let value = try writer.linear(entry, from, heads * latent.value, "attention.value.up", bias: false)
    let k = try writer.splitHeads(key, heads, latent.plain + latent.rotated, "attention.key")
    let v = try writer.splitHeads(value, heads, latent.value, "attention.value")
    return try writer.apply(ScaledDotProductAttention(isCausal: true), [q, k, v], "attention")
  }

  /// One key head for all queries; its first features are also the values.
  private mutating func absorbed(_ q: ValueID, _ entry: ValueID, _ latent: TransformerConfig.Latent) throws(OperatorError) -> ValueID {
    let (heads, shared) = (config.heads, latent.keyRank + latent.rotated)
    let depth = latent.plain + latent.rotated
    let carried = try writer.apply(
      MatrixMultiply(), [q, writer.weight("attention.query.absorb", [heads, depth, shared])], "attention.absorb")
    newEntries.append(entry)
    let shape = [batch, 1, Dimension.symbol("past") + sequence]
    let cache = writer.input("\(writer.scope).cache", .float32, shape + [.constant(shared)])
    // The same storage seen again: attention kernels read the first features of a key as its value.
    let ends = [0, latent.keyRank, 3].map { writer.integers([$0]) }
    let values = try writer.apply(Slice(), [cache, ends[0], ends[1], ends[2]], "attention.cache")
    let attended = try writer.apply(ScaledDotProductAttention(isCausal: true), [carried, cache, values], "attention")
    return try writer.apply(
      MatrixMultiply(), [attended, writer.weight("attention.value.absorb", [heads, latent.keyRank, latent.value])], "attention.values")
  }
}
