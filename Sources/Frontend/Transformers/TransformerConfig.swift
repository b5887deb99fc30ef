internal import Basic
internal import Foundation
internal import IR

/// The architecture of a transformer as the `config.json` of its published checkpoint states it.
///
/// Families spell the same extents differently; unknown keys are ignored, because those files also hold training and
/// generation settings.
struct TransformerConfig: Sendable {
  /// What the blocks are made of.
  enum Family: String, Sendable, CaseIterable {
    case bert, gpt2, opt, llama, vit
    /// Rotated queries and keys, attention and feed-forward side by side (GPT-J, GPT-NeoX).
    case parallel
    /// Encoder and decoder; Switch has experts.
    case t5
    /// Latent attention (MLA).
    case latent
  }

  var family: Family
  var hidden: Int
  var layers: Int
  /// Blocks of the decoder where there are two sides.
  var decoderLayers: Int
  var heads: Int
  var keyHeads: Int
  var headDimension: Int
  var inner: Int
  var vocabulary: Int
  var positions: Int
  /// Activation of the feed-forward block, as the file spells it.
  var activation: String
  /// Keys a query sees at most in the layers that have a window.
  var window: Int?
  /// Layers that see everything although others have a window.
  var windowedLayers: WindowedLayers
  /// The two halves of a block read norms of their own although they run side by side.
  var hasTwoNorms: Bool
  /// Biases on the projections of queries, keys and values.
  var hasProjectionBias: Bool
  /// What is normalised before queries and keys are rotated.
  var queryKeyNorm: QueryKeyNorm
  /// The results of both halves of a block are normalised before they are added (Gemma 2 and 3).
  var normsResults: Bool
  /// Bounds of scores and of logits, x → c·tanh(x/c) (Gemma 2); nil without.
  var scoreCap: Double?
  var logitCap: Double?
  /// Embeddings are multiplied by the root of their width (Gemma).
  var scalesEmbeddings: Bool
  /// The logits are computed.
  var hasHead: Bool
  /// The head multiplies by the embeddings instead of weights of its own.
  var isTied: Bool
  /// Softmax(QKᵀ)V is one call of the framework instead of one per product.
  var callsFusedAttention: Bool
  /// Images: extent, patch and channels.
  var image: Image
  /// Feed-forward layers of which each token takes one; nil for the others.
  var experts: Experts?
  /// Gated experts of which each token takes a few; nil for the others.
  var routing: Routing?
  /// Latent attention; nil for the others.
  var latent: Latent?
  /// Number format of the published tensors; nil when the file does not say.
  var numbers: ElementType?
  /// How the published weights are stored in fewer bits; nil when they are not.
  var quantization: QuantizationConfig?

  enum QueryKeyNorm: Sendable { case none, wholeRows, heads }

  /// Which layers the window holds for.
  enum WindowedLayers: Sendable {
    case all
    /// All but every `n`-th.
    case allButEvery(Int)
    /// As the file lists them.
    case listed([Bool])
  }

  struct Image: Sendable {
    var size: Int
    var patch: Int
    var channels: Int
  }

  struct Experts: Sendable {
    var count: Int
    /// Tokens of one sequence an expert takes at most.
    var capacity: Int
    /// Every so many blocks one has experts.
    var sparseStep: Int
  }

  struct Routing: Sendable {
    var count: Int
    var perToken: Int
    /// Width of one expert.
    var inner: Int
    /// The shares of the chosen experts are divided by their sum.
    var normalisesShares: Bool
    /// Width of the experts every token goes through, taken together.
    var sharedInner: Int?
    /// The shared experts' result is multiplied by a gate of its own.
    var gatesShared: Bool
    /// The first layers, every layer between sparse ones, and the listed ones are dense.
    var firstSparse: Int
    var sparseStep: Int
    var dense: [Int]

    func isSparse(_ layer: Int) -> Bool { layer >= firstSparse && (layer + 1) % sparseStep == 0 && !dense.contains(layer) }
  }

  /// Keys and values are stored as one latent vector per token (MLA).
  struct Latent: Sendable {
    /// Nil: queries are projected in one step.
    var queryRank: Int?
    var keyRank: Int
    /// Features of a query head with and without position, and of a value head.
    var plain: Int
    var rotated: Int
    var value: Int
  }
}

extension TransformerConfig {
  /// `model_type` by family.
  private static let families: [String: Family] = [
    "bert": .bert, "roberta": .bert, "electra": .bert, "distilbert": .bert, "gptj": .parallel, "gpt_neox": .parallel, "gpt2": .gpt2,
    "opt": .opt, "llama": .llama, "mistral": .llama, "qwen2": .llama, "qwen3": .llama, "phi3": .llama, "gemma": .llama, "gemma2": .llama,
    "gemma3_text": .llama, "mixtral": .llama, "qwen2_moe": .llama, "qwen3_moe": .llama, "olmoe": .llama, "minicpm3": .latent,
    "deepseek_v2": .latent, "vit": .vit, "deit": .vit, "t5": .t5, "switch_transformers": .t5,
  ]
  private static let routed: Set = ["mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "deepseek_v2"]
  /// Where the file says nothing, the head of these multiplies by the embeddings.
  private static let tiedByDefault: Set = ["gpt2", "opt", "gemma", "gemma2", "gemma3_text", "minicpm3", "t5", "switch_transformers"]

  /// Extents above this are refused before anything is built from them.
  static let largestExtent = 1 << 20
  static let mostLayers = 512
  static let mostExperts = 1024
  /// Widths that are products of two extents: all heads, all shared experts.
  static let largestWidth = 1 << 24

  /// Keys a query of this layer sees at most.
  func window(ofLayer layer: Int) -> Int? {
    switch windowedLayers {
    case .all: window
    case .allButEvery(let step): (layer + 1) % step == 0 ? nil : window
    case .listed(let isWindowed): layer < isWindowed.count && !isWindowed[layer] ? nil : window
    }
  }

  init(_ text: String, file: String) throws(Failure) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw Failure(
        "the file is neither ONNX, nor a text graph, nor the JSON object of a model configuration", at: SourceLocation(file: file))
    }
    let keys = ConfigKeys(object, file: file)
    let type = try keys.text("model_type")
    family = try Self.family(type, file: file)
    hidden = try keys.extent("hidden_size", "n_embd", "d_model", "dim")
    layers = try keys.extent("num_hidden_layers", "n_layer", "num_layers", "n_layers")
    decoderLayers = try keys.optionalExtent("num_decoder_layers") ?? layers
    heads = try keys.extent("num_attention_heads", "n_head", "num_heads", "n_heads")
    keyHeads = try keys.optionalExtent("num_key_value_heads") ?? heads
    headDimension = try keys.optionalExtent("head_dim", "d_kv") ?? max(1, hidden / max(1, heads))
    inner = try keys.optionalExtent("intermediate_size", "n_inner", "ffn_dim", "d_ff", "hidden_dim") ?? 4 * hidden
    vocabulary = family == .vit ? 1 : try keys.extent("vocab_size")
    positions = try keys.optionalExtent("max_position_embeddings", "n_positions") ?? 1 << 20
    activation =
      try keys.word(
        "hidden_activation", "hidden_act", "activation_function", "dense_act_fn", "activation", in: LayerWriter.activations)
      ?? Self.usualActivation(type, family)
    // The early files of Gemma say "gelu" and mean its other form.
    if type.hasPrefix("gemma"), activation == "gelu" { activation = "gelu_pytorch_tanh" }
    let usesWindow = try keys.flag("use_sliding_window") ?? !type.hasPrefix("qwen")
    window = usesWindow ? try keys.optionalExtent("sliding_window") : nil
    windowedLayers = try Self.windowedLayers(type, keys)
    hasTwoNorms = type == "gpt_neox"
    hasProjectionBias =
      try keys.flag("attention_bias", "qkv_bias")
      ?? (["qwen2", "qwen2_moe"].contains(type) || ![.llama, .latent].contains(family) && type != "gptj")
    queryKeyNorm = ["qwen3", "qwen3_moe", "gemma3_text"].contains(type) ? .heads : type == "olmoe" ? .wholeRows : .none
    normsResults = ["gemma2", "gemma3_text"].contains(type)
    scoreCap = try keys.bound("attn_logit_softcapping")
    logitCap = try keys.bound("final_logit_softcapping")
    scalesEmbeddings = type.hasPrefix("gemma")
    isTied = try keys.flag("tie_word_embeddings") ?? Self.tiedByDefault.contains(type)
    let architecture = try keys.texts("architectures")?.first ?? ""
    hasHead = architecture.hasSuffix("LMHeadModel") || architecture.hasSuffix("ForCausalLM") || architecture.hasSuffix("Classification")
    let implementation = try keys.optionalText("attn_implementation", "_attn_implementation")
    callsFusedAttention = implementation.map { $0 != "eager" } ?? (family == .llama || family == .latent)
    image = Image(
      size: try keys.optionalExtent("image_size") ?? 224, patch: try keys.optionalExtent("patch_size") ?? 16,
      channels: try keys.optionalExtent("num_channels") ?? 3)
    if family == .latent {
      latent = Latent(
        queryRank: try keys.optionalExtent("q_lora_rank"), keyRank: try keys.extent("kv_lora_rank"),
        plain: try keys.extent("qk_nope_head_dim"),
        rotated: try keys.extent("qk_rope_head_dim"), value: try keys.extent("v_head_dim"))
    }
    if type == "switch_transformers" {
      experts = Experts(
        count: try keys.extent("num_experts"), capacity: try keys.extent("expert_capacity"),
        sparseStep: try keys.optionalExtent("encoder_sparse_step") ?? 2)
    }
    if Self.routed.contains(type) { routing = try Self.routing(type, keys) }
    for key in ["num_experts", "num_local_experts", "n_routed_experts"] where experts == nil && routing == nil && keys.isPresent(key) {
      throw Failure(
        "\(key): experts are not laid out for model_type \"\(type)\"", at: SourceLocation(file: file), fix: "export the model to ONNX")
    }
    numbers = try keys.word("torch_dtype", "dtype", in: Self.numberFormats.keys.sorted() + ["auto"]).flatMap { Self.numberFormats[$0] }
    quantization = try QuantizationConfig(keys)
    try check(file: file)
  }

  /// Names of torch.
  private static let numberFormats: [String: ElementType] = ["float32": .float32, "float16": .float16, "bfloat16": .bfloat16]

  private static func family(_ type: String, file: String) throws(Failure) -> Family {
    if let family = families[type] { return family }
    throw Failure(
      "model_type \"\(type)\" is not a family this program can lay out", at: SourceLocation(file: file),
      fix: nearestSpelling(to: type, in: families.keys.sorted()).map { "did you mean \($0)?" } ?? "export the model to ONNX")
  }

  private static func usualActivation(_ type: String, _ family: Family) -> String {
    switch family {
    case .gpt2, .parallel: "gelu_new"
    case .t5: "relu"
    case .bert, .opt, .vit: "gelu"
    case .llama, .latent: type.hasPrefix("gemma") ? "gelu_pytorch_tanh" : "silu"
    }
  }

  private static func windowedLayers(_ type: String, _ keys: ConfigKeys) throws(Failure) -> WindowedLayers {
    if let kinds = try keys.texts("layer_types") { return .listed(kinds.map { $0 == "sliding_attention" }) }
    switch type {
    case "gemma2": return .allButEvery(2)
    case "gemma3_text": return .allButEvery(try keys.optionalExtent("sliding_window_pattern") ?? 6)
    default: return .all
    }
  }
}
