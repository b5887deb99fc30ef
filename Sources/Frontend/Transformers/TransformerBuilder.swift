package import Basic
package import IR
internal import Ops

/// Lays out the graph of a transformer from the `config.json` of its checkpoint, layer by layer as its framework runs it.
///
/// Symbols: `batch`, `sequence`, and in decoders `past` when it is given: the attention then reads caches that hold
/// `past + sequence` keys, into which serving engines write the new ones in place.
package enum TransformerBuilder {
  /// True for a JSON object.
  package static func recognises(_ prefix: [UInt8]) -> Bool {
    prefix.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
  }

  package static func build(_ text: String, file: String, dimensions: [String: Int]) throws(Failure) -> Graph {
    let config = try TransformerConfig(text, file: file)
    let name = file.split(separator: "/").last.map { $0.hasSuffix(".json") ? String($0.dropLast(5)) : String($0) } ?? "model"
    let hasPast = (dimensions["past"] ?? 0) > 0
    let blocks = TransformerBlocks(config, name: name, hasPast: hasPast)
    let graph: Graph
    do throws(OperatorError) {
      switch config.family {
      case .bert: graph = try blocks.encoder(source: file)
      case .vit: graph = try blocks.imageEncoder(source: file)
      case .gpt2, .opt: graph = try blocks.decoder(source: file)
      case .t5: graph = try blocks.encoderDecoder(source: file)
      case .llama, .latent: graph = try blocks.rotaryDecoder(source: file)
      case .parallel: graph = try blocks.parallelDecoder(source: file)
      }
    } catch {
      throw Failure("the configuration does not describe a network: \(error)", at: SourceLocation(file: file))
    }
    var dimensions = dimensions
    if dimensions["past"] == 0 { dimensions["past"] = nil }
    var bound = try graph.bindingInputs(dimensions, file: file)
    bound.source.published = config.published(bound.source.nodeNames)
    bound.source.remarks = config.remarks(dimensions, file: file)
    return bound
  }
}

/// The blocks transformers are made of.
struct TransformerBlocks: ~Copyable {
  let config: TransformerConfig
  let hasPast: Bool
  var writer: LayerWriter
  let batch = Dimension.symbol("batch")
  let sequence = Dimension.symbol("sequence")
  /// Keys and values that go into the caches, in order of layers.
  var newEntries: [ValueID] = []
  /// The one mask that all layers read.
  private var mask: ValueID?
  /// Embeddings of the words; the head multiplies by them where the two are tied.
  private var table: ValueID?

  init(_ config: TransformerConfig, name: String, hasPast: Bool) {
    self.config = config
    self.hasPast = hasPast
    writer = LayerWriter(name: name)
  }

  /// Everything after the input has this many features per head.
  var width: Int { config.heads * config.headDimension }

  // MARK: Whole networks

  /// BERT: embeddings, blocks normalised after each residual, and the pooled first token.
  consuming func encoder(source: String) throws(OperatorError) -> Graph {
    let tokens = writer.input("input_ids", .int64, [batch, sequence])
    let types = writer.input("token_type_ids", .int64, [batch, sequence])
    var x = try embeddings(tokens, tableRows: config.positions)
    let kind = try writer.apply(Gather(), [writer.weight("embeddings.token_type", [2, config.hidden]), types], "embeddings.token_type")
    x = try writer.layerNorm(try writer.add(x, kind, "embeddings"), config.hidden, "embeddings.norm")
    for layer in 0..<config.layers {
      writer.scope = "layer.\(layer)"
      let attended = try attention(x)
      x = try writer.layerNorm(try writer.add(attended, x, "attention.residual"), config.hidden, "attention.norm")
      let fed = try feedForward(x)
      x = try writer.layerNorm(try writer.add(fed, x, "output.residual"), config.hidden, "output.norm")
    }
    writer.scope = "pooler"
    let first = try writer.apply(Gather(axis: 1), [x, writer.integers([0])], "first")
    let pooled = try writer.linear(first, config.hidden, config.hidden, "dense")
    let result = try writer.apply(UnaryElementwise(.tanh), [pooled], "tanh")
    return writer.finish(outputs: [x, result], source: source)
  }

  /// GPT-2 and OPT: blocks normalised before each half, causal attention, logits.
  consuming func decoder(source: String) throws(OperatorError) -> Graph {
    let tokens = writer.input("input_ids", .int64, [batch, sequence])
    var x = try embeddings(tokens, tableRows: config.positions + (config.family == .opt ? 2 : 0))
    for layer in 0..<config.layers {
      writer.scope = "layer.\(layer)"
      let attended = try attention(try writer.layerNorm(x, config.hidden, "attention.norm"))
      x = try writer.add(attended, x, "attention.residual")
      let fed = try feedForward(try writer.layerNorm(x, config.hidden, "output.norm"))
      x = try writer.add(fed, x, "output.residual")
    }
    writer.scope = ""
    x = try writer.layerNorm(x, config.hidden, "norm")
    return writer.finish(outputs: [try logits(x)] + newEntries, source: source)
  }

  /// GPT-J and GPT-NeoX: attention and feed-forward read the same block input and are added to it together.
  consuming func parallelDecoder(source: String) throws(OperatorError) -> Graph {
    let tokens = writer.input("input_ids", .int64, [batch, sequence])
    var x = try words(tokens, "embeddings")
    let half = Dimension.constant(config.headDimension / 2)
    let tables = ["cosines", "sines"].map { writer.input($0, .float32, [batch, sequence, half]) }
    for layer in 0..<config.layers {
      writer.scope = "layer.\(layer)"
      let normed = try writer.layerNorm(x, config.hidden, "attention.norm")
      let other = config.hasTwoNorms ? try writer.layerNorm(x, config.hidden, "output.norm") : normed
      let sum = try writer.add(try attention(normed, rotatedBy: tables), try feedForward(other), "sum")
      x = try writer.add(sum, x, "residual")
    }
    writer.scope = ""
    x = try writer.layerNorm(x, config.hidden, "norm")
    return writer.finish(outputs: [try logits(x)] + newEntries, source: source)
  }

  /// ViT: patches by a strided convolution, a class token, blocks normalised before each half.
  consuming func imageEncoder(source: String) throws(OperatorError) -> Graph {
    let image = config.image
    let extent = Dimension.constant(image.size)
    let pixels = writer.input("pixel_values", .float32, [batch, .constant(image.channels), extent, extent])
    let patch = [image.patch, image.patch]
    let filters = writer.weight("patches.weight", [config.hidden, image.channels] + patch)
    let convolution = Convolve(strides: patch, dilations: [1, 1], pads: [0, 0, 0, 0])
    let patches = try writer.apply(convolution, [pixels, filters, writer.weight("patches.bias", [config.hidden])], "patches")
    let count = (image.size / image.patch) * (image.size / image.patch)
    let flat = try writer.apply(Reshape(), [patches, writer.integers([0, config.hidden, count])], "patches")
    var x = try writer.apply(Transpose([0, 2, 1]), [flat], "patches")
    let token = writer.input("class_token", .float32, [batch, 1, .constant(config.hidden)])
    x = try writer.apply(Concatenate(axis: 1), [token, x], "embeddings")
    x = try writer.add(x, writer.weight("positions", [1, count + 1, config.hidden]), "embeddings")
    for layer in 0..<config.layers {
      writer.scope = "layer.\(layer)"
      let attended = try attention(try writer.layerNorm(x, config.hidden, "attention.norm"))
      x = try writer.add(attended, x, "attention.residual")
      let fed = try feedForward(try writer.layerNorm(x, config.hidden, "output.norm"))
      x = try writer.add(fed, x, "output.residual")
    }
    writer.scope = ""
    x = try writer.layerNorm(x, config.hidden, "norm")
    return writer.finish(outputs: [x], source: source)
  }

  // MARK: Parts

  /// The embeddings, kept for the head.
  mutating func table(named name: String) -> ValueID {
    let result = writer.weight(name, [config.vocabulary, config.hidden])
    table = result
    return result
  }

  mutating func words(_ tokens: ValueID, _ name: String) throws(OperatorError) -> ValueID {
    try writer.apply(Gather(), [table(named: name), tokens], name)
  }

  private mutating func embeddings(_ tokens: ValueID, tableRows: Int) throws(OperatorError) -> ValueID {
    let words = try words(tokens, "embeddings.word")
    let positions = writer.input("position_ids", .int64, [1, sequence])
    let places = try writer.apply(
      Gather(), [writer.weight("embeddings.position", [tableRows, config.hidden]), positions], "embeddings.position")
    return try writer.add(words, places, "embeddings.sum")
  }

  mutating func logits(_ x: ValueID) throws(OperatorError) -> ValueID {
    guard config.hasHead else { return x }
    if config.isTied, let table { return try writer.apply(FusedMatrixMultiply(transposesB: true), [x, table], "head") }
    return try writer.linear(x, config.hidden, config.vocabulary, "head", bias: false)
  }

  private mutating func feedForward(_ x: ValueID) throws(OperatorError) -> ValueID {
    let wide = try writer.linear(x, config.hidden, config.inner, "intermediate")
    return try writer.linear(try writer.activation(wide, config.activation, "activation"), config.inner, config.hidden, "output")
  }

  /// Multi-head attention with its four projections; causal in decoders.
  private mutating func attention(_ x: ValueID, rotatedBy tables: [ValueID] = []) throws(OperatorError) -> ValueID {
    let isCausal = [.gpt2, .opt, .parallel].contains(config.family)
    let (heads, depth) = (config.heads, config.headDimension)
    var projected = try projections(x)
    if !tables.isEmpty {
      projected[0] = try rotated(projected[0], heads, tables, "attention.query")
      projected[1] = try rotated(projected[1], heads, tables, "attention.key")
    }
    let query = try writer.splitHeads(projected[0], heads, depth, "attention.query")
    var (key, value) = (
      try writer.splitHeads(projected[1], heads, depth, "attention.key"),
      try writer.splitHeads(projected[2], heads, depth, "attention.value")
    )
    if hasPast, isCausal { (key, value) = caches(key, value, heads: heads, depth: depth, valueDepth: depth) }
    let attended: ValueID
    if config.callsFusedAttention || hasPast {
      attended = try writer.apply(ScaledDotProductAttention(isCausal: isCausal), [query, key, value], "attention")
    } else {
      attended = try attentionByProducts(query, key, value, isCausal: isCausal)
    }
    let joined = try writer.joinHeads(attended, width, "attention.join")
    return try writer.linear(joined, width, config.hidden, "attention.output", bias: config.hasProjectionBias)
  }

  /// One product for all three in GPT-2, three elsewhere.
  private mutating func projections(_ x: ValueID) throws(OperatorError) -> [ValueID] {
    guard config.family == .gpt2 else {
      var result: [ValueID] = []
      for name in ["query", "key", "value"] {
        result.append(try writer.linear(x, config.hidden, width, "attention.\(name)", bias: config.hasProjectionBias))
      }
      return result
    }
    let all = try writer.linear(x, config.hidden, 3 * width, "attention.qkv")
    return try writer.node(Split(axis: 2, parts: 3), [all], "attention.split", outputs: 3)
  }

  /// The scale and the mask are kernels of their own where the framework calls them one by one.
  private mutating func attentionByProducts(
    _ query: ValueID, _ key: ValueID, _ value: ValueID, isCausal: Bool
  ) throws(OperatorError) -> ValueID {
    let transposed = try writer.apply(Transpose([0, 1, 3, 2]), [key], "attention.key")
    let root = writer.scalar(Float(config.headDimension).squareRoot())
    var scores: ValueID
    if config.family == .opt {
      // OPT scales the queries, adds the mask and bounds the sum from below.
      let scaled = try writer.apply(BinaryElementwise(.div), [query, root], "attention.scale")
      let products = try writer.apply(MatrixMultiply(), [scaled, transposed], "attention.scores")
      let mask = self.mask ?? writer.input("causal_mask", .float32, [batch, 1, sequence, sequence])
      self.mask = mask
      let masked = try writer.add(products, mask, "attention.mask")
      scores = try writer.apply(VariadicElementwise(.max), [masked, writer.scalar(-3.4e38)], "attention.bound")
    } else {
      let products = try writer.apply(MatrixMultiply(), [query, transposed], "attention.scores")
      scores = try writer.apply(BinaryElementwise(.div), [products, root], "attention.scale")
    }
    if config.family == .gpt2 || config.family == .parallel {
      let mask = self.mask ?? writer.input("causal_mask", .bool, [1, 1, sequence, sequence])
      self.mask = mask
      scores = try writer.apply(Where(), [mask, scores, writer.scalar(-3.4e38)], "attention.mask")
    } else if config.family == .bert {
      let mask = self.mask ?? writer.input("attention_mask", .float32, [batch, 1, 1, sequence])
      self.mask = mask
      scores = try writer.add(scores, mask, "attention.mask")
    }
    let probabilities = try writer.apply(Softmax(), [scores], "attention.softmax")
    return try writer.apply(MatrixMultiply(), [probabilities, value], "attention.values")
  }
}
