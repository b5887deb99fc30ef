internal import Basic
internal import IR
internal import Ops

/// Decoders with rotated queries and keys, RMS norms and gated feed-forward layers: Llama, Qwen, Gemma and their kin, also
/// with routed experts or latent attention.
extension TransformerBlocks {
  consuming func rotaryDecoder(source: String) throws(OperatorError) -> Graph {
    let tokens = writer.input("input_ids", .int64, [batch, sequence])
    var x = try words(tokens, "embeddings")
    if config.scalesEmbeddings {
      x = try writer.apply(BinaryElementwise(.mul), [x, writer.scalar(Float(config.hidden).squareRoot())], "embeddings.scale")
    }
    let depth = config.latent?.rotated ?? config.headDimension
    let tables = (0..<2).map { index in writer.input(index == 0 ? "cosines" : "sines", .float32, [batch, sequence, .constant(depth / 2)]) }
    for layer in 0..<config.layers {
      writer.scope = "layer.\(layer)"
      let normed = try writer.rootMeanSquareNorm(x, config.hidden, "attention.norm")
      var attended: ValueID
      if let latent = config.latent {
        attended = try latentAttention(normed, latent, tables)
      } else {
        attended = try rotaryAttention(normed, tables, window: config.window(ofLayer: layer))
      }
      if config.normsResults { attended = try writer.rootMeanSquareNorm(attended, config.hidden, "attention.result-norm") }
      x = try writer.add(attended, x, "attention.residual")
      let again = try writer.rootMeanSquareNorm(x, config.hidden, "output.norm")
      var fed: ValueID
      if let routing = config.routing, routing.isSparse(layer) {
        fed = try routedFeedForward(again, routing)
      } else {
        fed = try gatedFeedForward(again, inner: config.inner)
      }
      if config.normsResults { fed = try writer.rootMeanSquareNorm(fed, config.hidden, "output.result-norm") }
      x = try writer.add(fed, x, "output.residual")
    }
    writer.scope = ""
    x = try writer.rootMeanSquareNorm(x, config.hidden, "norm")
    var result = try logits(x)
    if let cap = config.logitCap, config.hasHead {
      let shares = try writer.apply(BinaryElementwise(.div), [result, writer.scalar(Float(cap))], "head.share")
      let bounded = try writer.apply(UnaryElementwise(.tanh), [shares], "head.tanh")
      result = try writer.apply(BinaryElementwise(.mul), [bounded, writer.scalar(Float(cap))], "head.capped")
    }
    return writer.finish(outputs: [result] + newEntries, source: source)
  }

  /// act(x·Wg) ⊙ (x·Wu), times Wd; `part` names a layer beside others.
  mutating func gatedFeedForward(_ x: ValueID, inner: Int, part: String = "") throws(OperatorError) -> ValueID {
    let gate = try writer.linear(x, config.hidden, inner, "\(part)gate", bias: false)
    let up = try writer.linear(x, config.hidden, inner, "\(part)up", bias: false)
    let active = try writer.activation(gate, config.activation, "\(part)activation")
    let product = try writer.apply(BinaryElementwise(.mul), [active, up], "\(part)gated")
    return try writer.linear(product, inner, config.hidden, "\(part)down", bias: false)
  }

  private mutating func rotaryAttention(_ x: ValueID, _ tables: [ValueID], window: Int?) throws(OperatorError) -> ValueID {
    let (depth, bias) = (config.headDimension, config.hasProjectionBias)
    let (heads, keyHeads) = (config.heads, config.keyHeads)
    let keyWidth = keyHeads * depth
    var query = try writer.linear(x, config.hidden, width, "attention.query", bias: bias)
    var key = try writer.linear(x, config.hidden, keyWidth, "attention.key", bias: bias)
    let value = try writer.linear(x, config.hidden, keyWidth, "attention.value", bias: bias)
    switch config.queryKeyNorm {
    case .none: break
    case .wholeRows:
      query = try writer.rootMeanSquareNorm(query, width, "attention.query.norm")
      key = try writer.rootMeanSquareNorm(key, keyWidth, "attention.key.norm")
    case .heads:
      query = try normedHeads(query, heads, "attention.query.norm")
      key = try normedHeads(key, keyHeads, "attention.key.norm")
    }
    // Rotated before the heads are split, so that the products' kernels can do it.
    let q = try writer.splitHeads(try rotated(query, heads, tables, "attention.query"), heads, depth, "attention.query")
    var k = try writer.splitHeads(try rotated(key, keyHeads, tables, "attention.key"), keyHeads, depth, "attention.key")
    var v = try writer.splitHeads(value, keyHeads, depth, "attention.value")
    if hasPast { (k, v) = caches(k, v, heads: keyHeads, depth: depth, valueDepth: depth) }
    let operation = ScaledDotProductAttention(isCausal: true, window: window, cap: config.scoreCap.map { Float($0) })
    let attended = try writer.apply(operation, [q, k, v], "attention")
    let joined = try writer.joinHeads(attended, width, "attention.join")
    return try writer.linear(joined, width, config.hidden, "attention.output", bias: false)
  }

  /// [b, s, heads·d], every head's features normalised by themselves.
  private mutating func normedHeads(_ x: ValueID, _ heads: Int, _ name: String) throws(OperatorError) -> ValueID {
    let depth = config.headDimension
    let split = try writer.apply(Reshape(), [x, writer.integers([0, 0, heads, depth])], name)
    let normed = try writer.rootMeanSquareNorm(split, depth, name)
    return try writer.apply(Reshape(), [normed, writer.integers([0, 0, heads * depth])], name)
  }
}
