import Basic
import Foundation
import IR
import Testing

@testable import Frontend

/// Networks laid out from the configuration of a checkpoint.
struct TransformerBuilderTests {
  private static let graphs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("graphs").path

  private func shipped(_ name: String, _ dimensions: [String: Int]) throws -> Graph {
    try ModelLoader.load(path: "\(Self.graphs)/\(name).json", dimensions: dimensions)
  }

  private func work(_ graph: Graph) -> Work {
    graph.nodeIDs.reduce(Work()) { $0 + (graph.computation(of: graph[$1])?.work ?? Work()) }
  }

  /// Parameters as transformers 5 counts them for the same configuration; tied embeddings count once. The class token of an image,
  /// 768 of its parameters, is an input here.
  @Test(arguments: [
    ("bert-large", 335_141_888), ("gpt2-large", 774_030_080), ("opt-1.3b", 1_315_758_080), ("vit-base-16", 85_798_656 - 768),
    ("llama-3-8b", 8_030_261_248), ("llama-3.2-1b", 1_235_814_400), ("mistral-7b", 7_241_732_096), ("qwen2-7b", 7_615_616_512),
    ("qwen3-8b", 8_190_735_360), ("gemma-7b", 8_537_680_896), ("gemma-2-2b", 2_614_341_888),
    ("gemma-3-1b", 999_885_952), ("mixtral-8x7b", 46_702_792_704),
    ("qwen3-30b-a3b", 30_532_122_624),
    // Without the 50 400 biases of the head, and without the two tables of relative positions.
    ("gpt-j-6b", 6_050_882_784 - 50_400), ("t5-large", 737_668_096 - 2 * 32 * 16),
  ])
  func parametersAreThoseOfTheCheckpoint(_ name: String, _ count: Int) throws {
    expectParameters(try shipped(name, name.hasPrefix("vit") ? ["batch": 1] : ["batch": 1, "sequence": 8]), count)
  }

  /// As above, for families without a file of their own in `graphs/`: OLMoE 1B-7B, Qwen1.5-MoE-A2.7B, Phi-3 mini.
  @Test(arguments: [
    (
      #""olmoe", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 16, "intermediate_size": 1024, "num_experts": 64, "num_experts_per_tok": 8, "vocab_size": 50304"#,
      6_919_161_856
    ),
    (
      #""qwen2_moe", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 5632, "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632, "num_experts": 60, "num_experts_per_tok": 4, "vocab_size": 151936"#,
      14_315_784_192
    ),
    (
      #""phi3", "hidden_size": 3072, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 8192, "vocab_size": 32064"#,
      3_821_079_552
    ),
  ])
  func parametersOfAFamily(_ keys: String, _ count: Int) throws {
    let text = #"{"architectures": ["XForCausalLM"], "model_type": "# + keys + "}"
    expectParameters(try TransformerBuilder.build(text, file: "config.json", dimensions: ["batch": 1, "sequence": 8]), count)
  }

  private func expectParameters(_ graph: Graph, _ count: Int) {
    let weights = graph.valueIDs.filter { graph[$0].constant?.payload == .absent && graph.tensorType($0)?.element == .float32 }
    #expect(weights.reduce(0) { $0 + (graph.tensorType($1)?.elementCount ?? 0) } == count)
  }

  @Test func graphsAreWellFormed() throws {
    for name in [
      "bert-large", "gpt2", "opt-125m", "llama-3.2-1b", "mistral-7b", "qwen2-7b", "vit-base-16", "minicpm3-4b", "t5-large",
      "switch-xl-4", "gpt-j-6b", "distilbert-base", "qwen3-8b", "gemma-7b", "gemma-2-2b", "gemma-3-1b", "mixtral-8x7b", "qwen3-30b-a3b",
      "deepseek-v2-lite",
    ] {
      let graph = try shipped(name, name.hasPrefix("vit") ? ["batch": 2] : ["batch": 2, "sequence": 16])
      #expect(graph.verify().isEmpty, "\(name)")
      #expect(graph.inputs.allSatisfy { graph[$0].type.symbols.isEmpty }, "\(name)")
      #expect(graph.topologicalOrder()?.allSatisfy { graph.computation(of: graph[$0]) != nil } == true, "\(name)")
    }
  }

  @Test func decodingReadsTheCache() throws {
    let graph = try shipped("llama-3-8b", ["batch": 4, "sequence": 1, "past": 1023])
    let attentions = graph.nodeIDs.compactMap { id -> Attention? in
      guard case .attention(let attention)? = graph.computation(of: graph[id]) else { return nil }
      return attention
    }
    #expect(attentions.count == 32)
    #expect(attentions.allSatisfy { $0.queryLength == 1 && $0.keyLength == 1024 && $0.heads == 32 && $0.keyHeads == 8 })
  }

  @Test func latentAttentionIsExpandedInPrefillAndAbsorbedInDecode() throws {
    func first(_ dimensions: [String: Int]) throws -> Attention? {
      let graph = try shipped("minicpm3-4b", dimensions)
      for id in graph.nodeIDs {
        if case .attention(let attention)? = graph.computation(of: graph[id]) { return attention }
      }
      return nil
    }
    let prefill = try #require(try first(["batch": 1, "sequence": 64]))
    #expect((prefill.keyHeads, prefill.headDimension, prefill.valueDimension) == (40, 96, 64))
    let decode = try #require(try first(["batch": 1, "sequence": 1, "past": 64]))
    #expect((decode.keyHeads, decode.headDimension, decode.valueDimension) == (1, 288, 256))
  }

  /// Products of a token's experts in every sparse layer; the first layer of DeepSeek-V2 is dense.
  @Test(arguments: [("mixtral-8x7b", 32, 8, 2), ("qwen3-30b-a3b", 48, 128, 8), ("deepseek-v2-lite", 26, 64, 6)])
  func tokensChooseExperts(_ name: String, _ layers: Int, _ experts: Int, _ choices: Int) throws {
    let graph = try shipped(name, ["batch": 2, "sequence": 8])
    let products = graph.nodeIDs.compactMap { id -> Contraction? in
      guard case .contraction(let product)? = graph.computation(of: graph[id]), product.experts != nil else { return nil }
      return product
    }
    #expect(products.count == 2 * layers)
    #expect(products.allSatisfy { $0.experts == experts && $0.choices == choices && $0.m == 16 * choices })
  }

  @Test func everySixthLayerOfGemma3SeesEverything() throws {
    let graph = try shipped("gemma-3-1b", ["batch": 1, "sequence": 16])
    let windows = graph.nodeIDs.compactMap { id -> Int?? in
      guard case .attention(let attention)? = graph.computation(of: graph[id]) else { return nil }
      return .some(attention.window)
    }
    #expect(windows.count == 26)
    #expect(windows.enumerated().allSatisfy { $1 == (($0 + 1) % 6 == 0 ? nil : 512) })
  }

  @Test func aGraphIsNamedLikeItsFile() throws {
    #expect(try shipped("llama-3.2-1b", ["batch": 1, "sequence": 1]).name == "llama-3.2-1b")
  }

  @Test func aWindowIsCarriedToTheComputation() throws {
    let graph = try shipped("mistral-7b", ["batch": 1, "sequence": 16])
    let windows = graph.nodeIDs.compactMap { id -> Int? in
      guard case .attention(let attention)? = graph.computation(of: graph[id]) else { return nil }
      return attention.window
    }
    #expect(windows == Array(repeating: 4096, count: 32))
  }

  private static let llama =
    #"{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 10"#
  private static let moe =
    llama.replacing("llama", with: "qwen3_moe")
    + #", "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 64"#

  @Test(arguments: [
    ("{}", "model_type"), (#"{"model_type": "berd"}"#, "bert"), (#"{"model_type": "bert"}"#, "hidden_size"),
    (#"{"model_type": "bert", "hidden_size": -1}"#, "hidden_size"),
    (#"{"model_type": "bert", "hidden_size": 99999999999}"#, "hidden_size"),
    (
      #"{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 100000, "num_attention_heads": 4, "vocab_size": 10}"#,
      "num_hidden_layers"
    ),
    (
      #"{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 10, "num_key_value_heads": 3}"#,
      "heads"
    ),
    (
      #"{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 10, "num_local_experts": 8}"#,
      "num_local_experts"
    ),
    (
      #"{"model_type": "mixtral", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 10, "num_local_experts": 8, "num_experts_per_tok": 9, "intermediate_size": 64}"#,
      "num_experts_per_tok"
    ),
    (
      #"{"model_type": "mixtral", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 10, "num_local_experts": 100000, "num_experts_per_tok": 2, "intermediate_size": 64}"#,
      "experts"
    ),
    (
      #"{"model_type": "deepseek_v2", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 10, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 64, "n_group": 4, "topk_method": "group_limited_greedy"}"#,
      "topk_method"
    ),
    (
      #"{"model_type": "deepseek_v2", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 10, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 1048576, "n_shared_experts": 1048576}"#,
      "n_shared_experts"
    ), ("{\"model_type\": \"bert\"", "JSON"),
    (Self.llama + #", "layer_types": ["sliding_attention"]}"#, "layer_types names 1 of 2 layers"),
    (Self.llama + #", "layer_types": "sliding_attention"}"#, "layer_types must be a list of texts"),
    (Self.llama + #", "attn_logit_softcapping": "50"}"#, "attn_logit_softcapping must be a number"),
    (Self.llama + #", "final_logit_softcapping": -1}"#, "final_logit_softcapping must be a number"),
    (Self.llama + #", "hidden_act": 3}"#, "hidden_act must be a text"),
    (Self.llama + #", "tie_word_embeddings": "yes"}"#, "tie_word_embeddings must be true or false"),
    (Self.moe + #", "mlp_only_layers": [1.5]}"#, "mlp_only_layers must be a list of layers"),
    (Self.moe + #", "mlp_only_layers": 3}"#, "mlp_only_layers must be a list of layers"),
  ])
  func mistakesAreNamed(_ text: String, _ word: String) {
    #expect {
      _ = try TransformerBuilder.build(text, file: "config.json", dimensions: [:])
    } throws: { error in
      "\(error)".contains(word) && "\(error)".contains("config.json")
    }
  }

  /// What a configuration says and nobody would notice if it were passed over.
  @Test(arguments: [
    (#""torch_dtype": "float99""#, #"torch_dtype "float99" is not known"#), (#""hidden_act": "foo""#, #"hidden_act "foo" is not known"#),
    (#""quantization_config": 4"#, "quantization_config must be an object"),
    (#""quantization_config": {"quant_method": "awq", "group_size": 0}"#, "group_size must be"),
  ])
  func unknownWordsAreNamed(_ key: String, _ message: String) {
    #expect { try TransformerBuilder.build(Self.small(key), file: "config.json", dimensions: [:]) } throws: { "\($0)".contains(message) }
  }

  @Test(arguments: [
    (#"{"quant_method": "gptq", "bits": 8, "group_size": -1}"#, "w8a16-channel"),
    (#"{"quant_method": "bitsandbytes", "load_in_4bit": true}"#, "w4a16-g64"),
    (#"{"quant_method": "bitsandbytes", "load_in_8bit": true}"#, "int8-dynamic"),
    (#"{"quant_method": "fp8", "activation_scheme": "static"}"#, "fp8-static"),
    (
      #"{"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}, "input_activations": {"num_bits": 8, "type": "float", "dynamic": true}}}}"#,
      "fp8"
    ),
    (#"{"quant_method": "gptq", "bits": 3}"#, nil), (#"{"bits": 4}"#, nil),
  ])
  func publishedFormatsAreUnderstood(_ section: String, _ precision: String?) throws {
    let graph = try TransformerBuilder.build(Self.small(#""quantization_config": "# + section), file: "config.json", dimensions: [:])
    #expect(graph.source.published.precision == precision)
    #expect(graph.source.remarks.isEmpty == (precision != nil))
  }

  /// A table of positions ends; rotation does not.
  @Test(arguments: [("gpt2-large", 1024, true), ("bert-large", 512, true), ("llama-3-8b", 8192, false)])
  func positionsBeyondTheTableAreTold(_ name: String, _ most: Int, _ isTable: Bool) throws {
    #expect(try shipped(name, ["batch": 1, "sequence": most]).source.remarks.isEmpty)
    let beyond = try shipped(name, ["batch": 1, "sequence": most + 1]).source.remarks
    #expect(beyond.contains { $0.message.contains("\(most) that the model has learned") } == isTable)
  }

  private static func small(_ keys: String) -> String {
    #"{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 100, "# + keys + "}"
  }
}
