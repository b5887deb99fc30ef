package import Basic
internal import IR
internal import Numerics
internal import Ops

/// Removes single weights, any or N of every M along the input channels, and lets those that stay make up for it.
package struct SparsifyStage: CompressionStage {
  package enum Method: String, Sendable, CaseIterable {
    /// Smallest |w|; nothing makes up for it.
    case magnitude
    /// Smallest |w|·‖x‖; nothing makes up for it.
    case wanda
    /// Column sweep: removes what costs least and corrects the rest.
    case sparsegpt
  }

  package static let schema = OptionSchema(
    "sparsify", "Removes single weights; those that stay make up for it.",
    [
      OptionKey(
        "pattern", .either([.text, .number(0...1)]), "Kept:of along the input channels such as '2:4', or the share to remove such as 0.5.",
        isRequired: true),
      OptionKey("method", .choice(Method.allCases.map(\.rawValue)), "How weights are chosen (default sparsegpt)."),
      OptionKey(
        "permute", .choice(["none", "reconstruction_error"]), "Reorder input channels where that lowers the error (default none)."),
      OptionKey("only_if_faster", .flag, "Leave layers dense that the target would not run faster (default false)."),
      OptionKey("bias_correction", .flag, "Take the mean error of every layer out of its bias (default true)."),
      OptionKey("damping", .number(0...1), "Share of the mean diagonal added to the second moments (default 0.01)."),
      OptionKey("targets", .selectors, "Layers to sparsify (default: every convolution and product with constant weights)."),
      OptionKey("ignore", .selectors, "Layers to leave alone."),
    ])

  let pattern: SparsityPattern
  let method: Method
  let permutes: Bool
  let onlyIfFaster: Bool
  let correctsBias: Bool
  let damping: Double
  private let targets: NodeSelector
  private let ignored: NodeSelector?

  package init(_ options: OptionReader) throws(Failure) {
    let text = options.text("pattern") ?? options.number("pattern").map { "\($0)" } ?? ""
    guard let pattern = SparsityPattern(text) else {
      throw Failure(
        "'\(text)' is not a sparsity pattern", at: options.location(of: "pattern"), fix: "write '2:4' or the share to remove, such as 0.5")
    }
    self.pattern = pattern
    method = options.choice("method") ?? .sparsegpt
    permutes = options.text("permute") == "reconstruction_error"
    onlyIfFaster = options.flag("only_if_faster") ?? false
    correctsBias = options.flag("bias_correction") ?? true
    damping = options.number("damping") ?? 0.01
    targets = try options.selector("targets") ?? .everything
    ignored = try options.selector("ignore")
  }

  package var needsCalibration: Bool { method != .magnitude || correctsBias || permutes }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    var records: [StageRecord] = []
    var graph = model.graph
    if correctsBias { graph = graph.addingZeroBiases(to: Set(select(graph).map(\.node))) }
    var layers: [LinearLayer] = []
    for layer in select(graph) {
      if let reason = SparsityLegality.obstacle(layer, pattern) {
        records.append(left(layer, reason))
      } else {
        layers.append(layer)
      }
    }
    if onlyIfFaster { layers = try faster(graph, layers, context, &records) }
    guard !layers.isEmpty else {
      model.records += records + [StageRecord(stage: Self.schema.name, action: "no layer was changed", figures: [])]
      return
    }
    let batches = needsCalibration ? try context.calibrationBatches(for: graph) : []
    if permutes {
      let moments = try SecondMoments(graph, layers, batches: batches, runner: context.runner) { context.progress("sparsify: moments", $0) }
      let permuted = try PermuteChannels(pattern: pattern, damping: damping, seed: context.seed).run(graph, layers, moments)
      graph = permuted.graph
      records += permuted.records
    }
    let sweep = SparsitySweep(graph: graph, layers: layers, stage: self)
    let outcome = try sweep.run(batches) { context.progress("sparsify", $0) }
    model.graph = outcome.graph
    model.records += records + outcome.records
  }

  private func select(_ graph: Graph) -> [LinearLayer] {
    LinearLayer.all(in: graph).filter { targets.matches(graph[$0.node]) && ignored?.matches(graph[$0.node]) != true }
  }

  private func left(_ layer: LinearLayer, _ reason: String) -> StageRecord {
    StageRecord(stage: Self.schema.name, layer: layer.name, action: "left dense", figures: [], reason: reason)
  }

  /// Layers that the target is predicted to run faster in this pattern: types are changed first, weights only if it pays.
  private func faster(
    _ graph: Graph, _ layers: [LinearLayer], _ context: CompressionContext, _ records: inout [StageRecord]
  ) throws(Failure) -> [LinearLayer] {
    guard let latency = context.latency else {
      throw Failure("'only_if_faster' needs a target to ask", fix: "give the recipe's key target, or drop only_if_faster")
    }
    var rewriter = Rewriter(graph)
    for layer in layers {
      guard var type = graph.tensorType(layer.weight) else { continue }
      type.encoding.sparsity = pattern.encoding(kept: layer.weightCount / 2, count: layer.weightCount)
      rewriter.setType(.tensor(type), of: layer.weight)
    }
    let (dense, sparse) = (try latency.estimate(graph), try latency.estimate(rewriter.finish()))
    var chosen: [LinearLayer] = []
    for layer in layers {
      let (before, after) = (dense.layers[layer.name] ?? 0, sparse.layers[layer.name] ?? 0)
      if after < before {
        chosen.append(layer)
      } else {
        records.append(
          left(layer, "not faster on the target: \(Format.seconds(before)) dense, \(Format.seconds(after)) with \(pattern.description)"))
      }
    }
    return chosen
  }
}
