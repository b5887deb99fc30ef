internal import Basic
internal import IR
internal import Ops

/// T5 and Switch transformers: an encoder and a decoder that reads it, RMS norms, one table of relative positions, and in
/// every second block of Switch several feed-forward layers of which each token takes one.
extension TransformerBlocks {
  /// Both sides have `sequence` tokens.
  consuming func encoderDecoder(source: String) throws(OperatorError) -> Graph {
    let table = table(named: "embeddings")
    let encoded = try side(table, "encoder", layers: config.layers, memory: nil)
    let decoded = try side(table, "decoder", layers: config.decoderLayers, memory: encoded)
    writer.scope = ""
    return writer.finish(outputs: [try logits(decoded)], source: source)
  }

  private mutating func side(
    _ table: ValueID, _ name: String, layers: Int, memory: ValueID?
  ) throws(OperatorError) -> ValueID {
    let tokens = writer.input(memory == nil ? "input_ids" : "decoder_input_ids", .int64, [batch, sequence])
    // Relative positions and the mask, added up once per side.
    let heads = Dimension.constant(config.heads)
    let positions = writer.input("\(name).positions", .float32, [batch, heads, sequence, sequence])
    writer.scope = name
    var x = try writer.apply(Gather(), [table, tokens], "embeddings")
    for layer in 0..<layers {
      writer.scope = "\(name).\(layer)"
      let normed = try writer.rootMeanSquareNorm(x, config.hidden, "attention.norm")
      x = try writer.add(try relativeAttention(normed, normed, positions, "attention"), x, "attention.residual")
      if let memory {
        let again = try writer.rootMeanSquareNorm(x, config.hidden, "memory.norm")
        x = try writer.add(try relativeAttention(again, memory, positions, "memory"), x, "memory.residual")
      }
      let last = try writer.rootMeanSquareNorm(x, config.hidden, "output.norm")
      // The second of every `sparseStep` blocks is sparse.
      let isSparse = config.experts.map { layer % $0.sparseStep == 1 % $0.sparseStep } ?? false
      x = try writer.add(isSparse ? try switched(last) : try denseLayer(last, "output"), x, "output.residual")
    }
    writer.scope = name
    return try writer.rootMeanSquareNorm(x, config.hidden, "norm")
  }

  private mutating func relativeAttention(
    _ x: ValueID, _ memory: ValueID, _ positions: ValueID, _ name: String
  ) throws(OperatorError) -> ValueID {
    let (heads, depth) = (config.heads, config.headDimension)
    let width = heads * depth
    let query = try writer.linear(x, config.hidden, width, "\(name).query", bias: false)
    let key = try writer.linear(memory, config.hidden, width, "\(name).key", bias: false)
    let value = try writer.linear(memory, config.hidden, width, "\(name).value", bias: false)
    let q = try writer.splitHeads(query, heads, depth, "\(name).query")
    let k = try writer.splitHeads(key, heads, depth, "\(name).key")
    let v = try writer.splitHeads(value, heads, depth, "\(name).value")
    let transposed = try writer.apply(Transpose([0, 1, 3, 2]), [k], "\(name).key")
    let scores = try writer.apply(MatrixMultiply(), [q, transposed], "\(name).scores")
    let probabilities = try writer.apply(Softmax(), [try writer.add(scores, positions, "\(name).positions")], "\(name).softmax")
    let attended = try writer.apply(MatrixMultiply(), [probabilities, v], "\(name).values")
    let joined = try writer.joinHeads(attended, width, "\(name).join")
    return try writer.linear(joined, width, config.hidden, "\(name).output", bias: false)
  }

  private mutating func denseLayer(_ x: ValueID, _ name: String) throws(OperatorError) -> ValueID {
    let wide = try writer.linear(x, config.hidden, config.inner, "\(name).wide", bias: false)
    let active = try writer.activation(wide, config.activation, "\(name).activation")
    return try writer.linear(active, config.inner, config.hidden, "\(name).narrow", bias: false)
  }

  /// Every expert takes at most `capacity` tokens of a sequence, gathered before and scattered after its own layer.
  private mutating func switched(_ x: ValueID) throws(OperatorError) -> ValueID {
    guard let experts = config.experts else { return x }
    let scores = try writer.linear(x, config.hidden, experts.count, "router", bias: false)
    let probabilities = try writer.apply(Softmax(), [scores], "router.softmax")
    let best = try writer.apply(Reduce(.maximum), [probabilities, writer.integers([-1])], "router.best")
    let flat = try writer.apply(Reshape(), [x, writer.integers([-1, config.hidden])], "tokens")
    var next = flat
    for expert in 0..<experts.count {
      let chosen = writer.input("\(writer.scope).expert.\(expert).tokens", .int64, [.constant(experts.capacity) * batch])
      let rows = try writer.apply(Gather(), [flat, chosen], "expert.\(expert).gather")
      let result = try denseLayer(rows, "expert.\(expert)")
      let places = try writer.apply(Unsqueeze(), [chosen, writer.integers([1])], "expert.\(expert).places")
      next = try writer.apply(ScatterND(), [next, places, result], "expert.\(expert).scatter")
    }
    let scaled = try writer.apply(Reshape(), [best, writer.integers([-1, 1])], "router.best")
    let weighted = try writer.apply(BinaryElementwise(.mul), [next, scaled], "weighted")
    let shape = try writer.apply(ShapeOf(), [x], "shape")
    return try writer.apply(Reshape(), [weighted, shape], "tokens")
  }
}
