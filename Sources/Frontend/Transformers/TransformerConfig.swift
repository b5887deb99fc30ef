internal import Basic
internal import Foundation

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
    /// Latent attention, dense feed-forward.
    case minicpm = "minicpm3"
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
  /// Keys a query sees at most.
  var window: Int?
  /// The two halves of a block read norms of their own although they run side by side.
  var hasTwoNorms: Bool
  /// Biases on the projections of queries, keys and values.
  var hasProjectionBias: Bool
  /// The logits are computed.
  var hasHead: Bool
  /// Softmax(QKᵀ)V is one call of the framework instead of one per product.
  var callsFusedAttention: Bool
  /// Images: extent, patch and channels.
  var image: Image
  /// Feed-forward layers of which each token takes one; nil for the others.
  var experts: Experts?
  /// Latent attention; nil for the others.
  var latent: Latent?

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

  /// Keys and values are stored as one latent vector per token (MLA).
  struct Latent: Sendable {
    var queryRank: Int
    var keyRank: Int
    /// Features of a query head with and without position, and of a value head.
    var plain: Int
    var rotated: Int
    var value: Int
  }
}

extension TransformerConfig {
  /// Extents above this are refused before anything is built from them.
  private static let largestExtent = 1 << 20
  private static let mostLayers = 512

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
    activation = keys.optionalText("hidden_act", "activation_function", "dense_act_fn", "activation") ?? Self.usualActivation(family)
    let usesWindow = keys.flag("use_sliding_window") ?? true
    window = usesWindow ? try keys.optionalExtent("sliding_window") : nil
    hasTwoNorms = type == "gpt_neox"
    hasProjectionBias = keys.flag("attention_bias", "qkv_bias") ?? (type == "qwen2" || (family != .llama && type != "gptj"))
    let architecture = keys.firstName("architectures") ?? ""
    hasHead = architecture.hasSuffix("LMHeadModel") || architecture.hasSuffix("ForCausalLM") || architecture.hasSuffix("Classification")
    let implementation = keys.optionalText("attn_implementation", "_attn_implementation")
    callsFusedAttention = implementation.map { $0 != "eager" } ?? (family == .llama || family == .minicpm)
    image = Image(
      size: try keys.optionalExtent("image_size") ?? 224, patch: try keys.optionalExtent("patch_size") ?? 16,
      channels: try keys.optionalExtent("num_channels") ?? 3)
    if family == .minicpm {
      latent = Latent(
        queryRank: try keys.extent("q_lora_rank"), keyRank: try keys.extent("kv_lora_rank"), plain: try keys.extent("qk_nope_head_dim"),
        rotated: try keys.extent("qk_rope_head_dim"), value: try keys.extent("v_head_dim"))
    }
    if type == "switch_transformers" {
      experts = Experts(
        count: try keys.extent("num_experts"), capacity: try keys.extent("expert_capacity"),
        sparseStep: try keys.optionalExtent("encoder_sparse_step") ?? 2)
    }
    for key in ["num_experts", "num_local_experts", "n_routed_experts"] where experts == nil && keys.isPresent(key) {
      throw Failure("\(key): mixtures of experts are not laid out", at: SourceLocation(file: file), fix: "export the model to ONNX")
    }
    try check(file: file)
  }

  private static func family(_ type: String, file: String) throws(Failure) -> Family {
    switch type {
    case "bert", "roberta", "electra", "distilbert": return .bert
    case "gptj", "gpt_neox": return .parallel
    case "gpt2": return .gpt2
    case "opt": return .opt
    case "llama", "mistral", "qwen2", "phi3": return .llama
    case "vit", "deit": return .vit
    case "minicpm3": return .minicpm
    case "t5", "switch_transformers": return .t5
    default:
      let known = [
        "bert", "roberta", "distilbert", "gpt2", "gptj", "gpt_neox", "opt", "llama", "mistral", "qwen2", "vit", "deit", "minicpm3", "t5",
        "switch_transformers",
      ]
      throw Failure(
        "model_type \"\(type)\" is not a family this program can lay out", at: SourceLocation(file: file),
        fix: nearestSpelling(to: type, in: known).map { "did you mean \($0)?" } ?? "export the model to ONNX")
    }
  }

  private static func usualActivation(_ family: Family) -> String {
    switch family {
    case .gpt2, .parallel: "gelu_new"
    case .t5: "relu"
    case .bert, .opt, .llama, .vit, .minicpm: "gelu"
    }
  }

  private func check(file: String) throws(Failure) {
    func refuse(_ message: String) -> Failure { Failure(message, at: SourceLocation(file: file)) }
    guard max(layers, decoderLayers) <= Self.mostLayers else { throw refuse("num_hidden_layers \(layers) is above \(Self.mostLayers)") }
    guard heads % keyHeads == 0 else { throw refuse("\(heads) query heads cannot share \(keyHeads) key heads") }
    guard experts.map({ $0.count <= 256 }) ?? true else { throw refuse("num_experts is above 256") }
    guard family != .vit || image.size % image.patch == 0 else {
      throw refuse("patch_size \(image.patch) does not divide image_size \(image.size)")
    }
  }

  /// Typed access to a JSON object whose keys have several spellings.
  private struct ConfigKeys {
    let object: [String: Any]
    let file: String

    init(_ object: [String: Any], file: String) {
      self.object = object
      self.file = file
    }

    func optionalExtent(_ names: String...) throws(Failure) -> Int? { try find(names) }

    func extent(_ names: String...) throws(Failure) -> Int {
      guard let value = try find(names) else {
        throw Failure("the configuration lacks \(names.joined(separator: " or "))", at: SourceLocation(file: file))
      }
      return value
    }

    private func find(_ names: [String]) throws(Failure) -> Int? {
      for name in names {
        guard let value = object[name], !(value is NSNull) else { continue }
        guard let number = value as? Int, (1...TransformerConfig.largestExtent).contains(number) else {
          throw Failure("\(name) must be a number from 1 to \(TransformerConfig.largestExtent)", at: SourceLocation(file: file))
        }
        return number
      }
      return nil
    }

    func text(_ name: String) throws(Failure) -> String {
      guard let value = object[name] as? String else {
        throw Failure("the configuration lacks \(name)", at: SourceLocation(file: file))
      }
      return value
    }

    func optionalText(_ names: String...) -> String? { names.lazy.compactMap { object[$0] as? String }.first }
    func isPresent(_ name: String) -> Bool { object[name] != nil }
    func flag(_ names: String...) -> Bool? { names.lazy.compactMap { object[$0] as? Bool }.first }
    func firstName(_ key: String) -> String? { (object[key] as? [String])?.first }
  }
}
