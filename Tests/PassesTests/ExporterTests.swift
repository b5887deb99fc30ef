import Foundation
import IR
import Ops
import Passes
import Testing

/// The same small networks as the TorchScript exporter and the dynamo exporter wrote them become one semantic graph.
///
/// Fixtures are imported graphs without weights, `Exporters/NAME.script.cwg` and `Exporters/NAME.dynamo.cwg`.
@Suite("Exporters converge")
struct ExporterTests {
  static let folder = GoldenPassTests.folder.deletingLastPathComponent().appendingPathComponent("Exporters")

  @Test(arguments: [
    "bert", "llama-grouped", "unet", "attention", "lstm-cell", "activations", "gelu-factors", "packed-select",
  ])
  func bothSpellingsBecomeOneGraph(_ name: String) throws {
    let forms = try ["script", "dynamo"].map { try SemanticForm(canonical("\(name).\($0)")) }
    let (script, dynamo) = (forms[0], forms[1])
    #expect(script.operators == dynamo.operators)
    let areAlike = script.roots(sharing: dynamo)
    #expect(areAlike, "the operators agree, their connections do not")
  }

  @Test(
    "what is recognised in them",
    arguments: [
      ("bert.dynamo", ["layer-normalization": 3, "attention": 1, "gelu": 1]),
      ("bert.script", ["layer-normalization": 3, "attention": 1, "gelu": 1]),
      ("llama-grouped.script", ["rms-normalization": 3, "attention": 1, "rotary-embedding": 2, "gated-unit": 1]),
      ("llama-grouped.dynamo", ["rms-normalization": 3, "attention": 1, "rotary-embedding": 2, "gated-unit": 1]),
      ("unet.script", ["group-normalization": 2, "pixel-shuffle": 1]), ("unet.dynamo", ["group-normalization": 2, "pixel-shuffle": 1]),
      ("attention-rank-3.dynamo", ["attention": 1]), ("lstm-cell.script", ["lstm-cell": 3]), ("lstm-cell.dynamo", ["lstm-cell": 3]),
      ("packed-split.script", ["attention": 1, "split": 1]), ("packed-split.dynamo", ["attention": 1, "split": 1]),
      ("packed-select.script", ["attention": 1, "split": 1]), ("packed-select.dynamo", ["attention": 1, "split": 1]),
      ("shared-heads.script", ["attention": 1]), ("shared-heads.dynamo", ["attention": 1]),
      ("joined-heads.script", ["attention": 1]), ("joined-heads.dynamo", ["attention": 1]),
      ("attention-einsum.script", ["attention": 1]), ("attention-einsum.dynamo", ["attention": 1]),
      ("attention-parts.script", ["attention": 1]), ("attention-parts.dynamo", ["attention": 1]),
      ("gelu-factors.script", ["gelu": 1]), ("gelu-factors.dynamo", ["gelu": 1]),
      ("swin-shifted.script", ["attention": 1]), ("swin-shifted.dynamo", ["attention": 1]),
      ("packed-module.script", ["attention": 1, "split": 1]), ("packed-module.dynamo", ["attention": 1, "split": 1]),
      ("masked-fill.script", ["attention": 1]), ("masked-fill.dynamo", ["attention": 1]),
      ("joined-masks.script", ["attention": 1]), ("joined-masks.dynamo", ["attention": 1]),
      ("head-factors.script", ["attention": 1]), ("head-factors.dynamo", ["attention": 1]),
      ("rms-power.script", ["rms-normalization": 1]), ("rms-power.dynamo", ["rms-normalization": 1]),
      ("variance.script", ["layer-normalization": 1]), ("variance.dynamo", ["layer-normalization": 1]),
      ("rotary-neighbours.script", ["rotary-embedding": 1]), ("rotary-neighbours.dynamo", ["rotary-embedding": 1]),
      ("rotary-pairs.script", ["rotary-embedding": 1]), ("rotary-pairs.dynamo", ["rotary-embedding": 1]),
      ("rotary-halves.script", ["rotary-embedding": 1]), ("rotary-halves.dynamo", ["rotary-embedding": 1]),
      ("rotary-picks.script", ["rotary-embedding": 1]), ("rotary-picks.dynamo", ["rotary-embedding": 1]),
      ("softmax-parts.script", ["attention": 1]), ("softmax-parts.dynamo", ["attention": 1]),
      ("length.script", ["lp-normalization": 1]), ("length.dynamo", ["lp-normalization": 1]),
      ("channels-first.script", ["mean-variance-normalization": 1]), ("channels-first.dynamo", ["mean-variance-normalization": 1]),
      ("attention-sinks.script", ["attention": 1]), ("attention-sinks.dynamo", ["attention": 1]),
      ("attention-turned.script", ["attention": 1]), ("attention-turned.dynamo", ["attention": 1]),
      ("repeated-heads.script", ["attention": 1]), ("repeated-heads.dynamo", ["attention": 1]),
      ("moe.script", ["expert-product": 3, "gated-unit": 1, "top-k": 1]),
      ("moe.dynamo", ["expert-product": 3, "gated-unit": 1, "top-k": 1]),
    ])
  func recognisedOperators(_ name: String, _ expected: [String: Int]) throws {
    let counts = try SemanticForm(canonical(name)).operators
    for (operation, count) in expected { #expect(counts[operation] == count, "\(operation): \(counts)") }
    // What the recognised operators stand for is gone; a router keeps its own softmax and sum, cosine attention its lengths.
    for part in ["softmax", "reduce"] where !["lstm", "moe", "head-factors"].contains(where: name.hasPrefix) {
      #expect(counts[part] == nil, "\(part) is left: \(counts)")
    }
  }

  /// A fixture in canonical form; every pass is held to the values and types it promises to keep.
  private static func checked(_ name: String) throws -> Graph {
    let graph = try GraphText.parse(
      String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8), file: name, operators: OperatorCatalog.byName)
    var reports: [PassManager.Report] = []
    var options = PassManager.Options()
    options.checksPromises = true
    options.verifiesTypes = true
    return try PassManager(PassCatalog.canonicalize, options: options).run(graph, PassContext(), reports: &reports)
  }

  /// Grouped keys, heads merged with images, parts of images and einsums: the passes evaluate the graph before and after.
  @Test(
    arguments: [
      "shared-heads", "joined-heads", "attention-einsum", "attention-parts", "gelu-factors", "attention-sinks", "attention-turned",
      "softmax-parts",
    ], ["script", "dynamo"])
  func recognisedSpellingsKeepTheirValues(_ name: String, _ exporter: String) throws {
    let result = try Self.checked("\(name).\(exporter).cwg")
    let operations = result.nodeIDs.map { result[$0].operation }
    #expect(operations.contains { $0 is ScaledDotProductAttention || $0 is Gelu })
    // Grouped keys and values are read once, however the exporter repeats them.
    #expect(!operations.contains { $0 is Einsum || ($0 is Expand && name == "shared-heads") })
  }

  /// Partial rotations of neighbours before the heads are transposed, pairs that are unbound and stacked, halves that are chunks, and
  /// keys and values that are repeated behind positions.
  @Test(arguments: ["rotary-neighbours", "rotary-pairs", "rotary-halves", "rotary-picks", "repeated-heads"], ["script", "dynamo"])
  func rotationsAndCopiesKeepTheirValues(_ name: String, _ exporter: String) throws {
    let result = try Self.checked("\(name).\(exporter).cwg")
    for id in result.nodeIDs {
      let operation = result[id].operation
      #expect(
        operation is RotaryEmbedding || operation is ScaledDotProductAttention || operation is Reshape || operation is Transpose,
        "\(type(of: operation).name) is left")
    }
  }

  /// Shifted windows of several images share their masks: the attention gets them repeated, and gives the same numbers.
  @Test(arguments: ["script", "dynamo"])
  func sharedWindowMasksKeepTheirValues(_ exporter: String) throws {
    let result = try Self.checked("swin-shifted.\(exporter).cwg")
    let node = try #require(result.nodeIDs.map { result[$0] }.first { $0.operation is ScaledDotProductAttention })
    #expect(result.tensorType(node.inputs[3])?.shape == [8, 2, 4, 4])
  }

  private func canonical(_ name: String) throws -> Graph {
    let file = Self.folder.appendingPathComponent("\(name).cwg")
    let text = try #require(try? String(contentsOf: file, encoding: .utf8), "there is no fixture \(file.lastPathComponent)")
    let graph = try GraphText.parse(text, file: file.lastPathComponent, operators: OperatorCatalog.byName)
    var reports: [PassManager.Report] = []
    var options = PassManager.Options()
    options.verifiesTypes = true
    return try PassManager(PassCatalog.canonicalize, options: options).run(graph, PassContext(values: .structural), reports: &reports)
  }
}

/// A graph without names: what each value is, from the inputs on.
struct SemanticForm {
  let graph: Graph
  /// How often each operator stands in the graph.
  let operators: [String: Int]

  init(_ graph: Graph) {
    self.graph = graph
    operators = graph.nodeIDs.reduce(into: [:]) { $0[type(of: graph[$1].operation).name, default: 0] += 1 }
  }

  /// Whether the outputs of both graphs are the same expressions of the same inputs.
  func roots(sharing other: SemanticForm) -> Bool {
    var table: [String: Int] = [:]
    return expressions(&table) == other.expressions(&table)
  }

  /// The number of each output's expression; equal expressions have equal numbers in one table.
  private func expressions(_ table: inout [String: Int]) -> [Int] {
    var known: [ValueID: Int] = [:]
    func number(_ text: String) -> Int {
      if let number = table[text] { return number }
      table[text] = table.count
      return table.count - 1
    }
    for (position, input) in graph.inputs.enumerated() { known[input] = number("input \(position) \(graph[input].type)") }
    func value(_ id: ValueID?) -> Int {
      guard let id else { return -1 }
      if let done = known[id] { return done }
      let constant = graph.constant(id)
      let small = (constant?.type.elementCount ?? .max) <= 16 ? "\(String(describing: constant.flatMap { Tensor($0) }?.elements))" : ""
      known[id] = number("constant \(graph[id].type) \(small)")
      return known[id] ?? -1
    }
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      var inputs = node.inputs.map(value)
      if let binary = node.operation as? BinaryElementwise, binary.function.isCommutative { inputs.sort() }
      for (position, output) in node.outputs.enumerated() {
        known[output] = number("\(node.operation) \(inputs) \(position) \(graph[output].type)")
      }
    }
    return graph.outputs.map { known[$0] ?? -1 }
  }
}
