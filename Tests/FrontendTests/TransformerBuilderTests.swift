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

  /// Parameters as the checkpoints' authors state them.
  @Test(arguments: [
    ("bert-large", 335_141_888), ("gpt2-large", 838_359_040), ("opt-1.3b", 1_418_715_136), ("vit-base-16", 85_797_888),
    // Without the 50 400 biases of the head, and without the tables of relative positions.
    ("gpt-j-6b", 6_050_832_384), ("t5-large", 770_566_144),
  ])
  func parametersAreThoseOfTheCheckpoint(_ name: String, _ count: Int) throws {
    let graph = try shipped(name, name.hasPrefix("vit") ? ["batch": 1] : ["batch": 1, "sequence": 8])
    let weights = graph.valueIDs.filter { graph[$0].constant?.payload == .absent && graph.tensorType($0)?.element == .float32 }
    #expect(weights.reduce(0) { $0 + (graph.tensorType($1)?.elementCount ?? 0) } == count)
  }

  @Test func graphsAreWellFormed() throws {
    for name in [
      "bert-large", "gpt2", "opt-125m", "llama-3.2-1b", "mistral-7b", "qwen2-7b", "vit-base-16", "minicpm3-4b", "t5-large",
      "switch-xl-4", "gpt-j-6b", "distilbert-base",
      "gpt-j-6b", "distilbert-base",
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

  @Test func aWindowIsCarriedToTheComputation() throws {
    let graph = try shipped("mistral-7b", ["batch": 1, "sequence": 16])
    let windows = graph.nodeIDs.compactMap { id -> Int? in
      guard case .attention(let attention)? = graph.computation(of: graph[id]) else { return nil }
      return attention.window
    }
    #expect(windows == Array(repeating: 4096, count: 32))
  }

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
    ), ("{\"model_type\": \"bert\"", "JSON"),
  ])
  func mistakesAreNamed(_ text: String, _ word: String) {
    #expect {
      _ = try TransformerBuilder.build(text, file: "config.json", dimensions: [:])
    } throws: { error in
      "\(error)".contains(word) && "\(error)".contains("config.json")
    }
  }
}
