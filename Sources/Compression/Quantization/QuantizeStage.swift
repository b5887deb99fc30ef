package import Basic
package import IR

/// Stores weights and activations in few bits, after closed-form steps that keep the results near the original's.
package struct QuantizeStage: CompressionStage {
  package enum Method: String, Sendable, CaseIterable {
    /// Round to nearest.
    case rtn
    /// Column by column, each rounding error spread over the columns that follow.
    case gptq
  }

  package static let schema = OptionSchema(
    "quantize", "Stores weights and activations in few bits.",
    [
      OptionKey("method", .choice(Method.allCases.map(\.rawValue)), "How weights are rounded (default rtn)."),
      OptionKey(
        "groups", .table(OptionSchema("group", "Layers that are quantised alike.", QuantizationGroup.keys)),
        "Named groups; the first whose targets match takes a layer."),
    ] + QuantizationGroup.keys + [
      OptionKey("embeddings", .object(WeightFormat.schema), "How tables of embeddings are stored; a channel is a row. Absent leaves them."),
      OptionKey("kv_cache", .object(CacheFormats.schema), CacheFormats.schema.summary),
      OptionKey("ignore", .selectors, "Operators, nodes or re: patterns that stay as they are."),
      OptionKey("bias_correction", .flag, "Take the mean error of every layer out of its bias (default false)."),
      OptionKey(
        "sparsity", .either([.text, .number(0...1)]),
        "Weights to remove in the same sweep, kept:of such as '2:4' or the share to remove such as 0.5; for gptq."),
      OptionKey("damping", .number(0...1), "Share of the mean diagonal added to the Hessian, for gptq (default 0.01)."),
    ])

  let method: Method
  let groups: [QuantizationGroup]
  /// Nil leaves tables of embeddings as they are.
  let embeddings: WeightFormat?
  /// Nil leaves keys and values of earlier steps as they are.
  let cache: CacheFormats?
  let ignored: NodeSelector?
  let correctsBias: Bool
  let damping: Double
  /// Weights that the sweep removes while it rounds.
  let sparsity: SparsityPattern?

  package init(_ options: OptionReader) throws(Failure) {
    method = options.choice("method") ?? .rtn
    ignored = try options.texts("ignore").map { (entries) throws(Failure) in
      try NodeSelector(entries, at: options.location(of: "ignore"))
    }
    var groups: [QuantizationGroup] = []
    for (name, reader) in options.table("groups") { groups.append(try QuantizationGroup(name, reader)) }
    if options.has("weights") || options.has("activations") { groups.append(try QuantizationGroup("default", options)) }
    cache = try options.object("kv_cache").map { (reader) throws(Failure) in try CacheFormats(reader) }
    embeddings = try options.object("embeddings").map { (reader) throws(Failure) in try WeightFormat(reader) }
    guard !groups.isEmpty || cache != nil || embeddings != nil else {
      throw Failure(
        "'quantize' says nothing about weights or activations", at: options.location,
        fix: "give weights, activations, groups, embeddings or kv_cache")
    }
    self.groups = groups
    correctsBias = options.flag("bias_correction") ?? false
    damping = options.number("damping") ?? 0.01
    let text = options.text("sparsity") ?? options.number("sparsity").map { "\($0)" }
    sparsity = text.flatMap { SparsityPattern($0) }
    guard text == nil || sparsity != nil else {
      throw Failure(
        "'\(text ?? "")' is not a sparsity pattern", at: options.location(of: "sparsity"),
        fix: "write '2:4' or the share to remove, such as 0.5")
    }
    guard sparsity == nil || method == .gptq else {
      throw Failure("'sparsity' needs 'method: gptq'", at: options.location(of: "sparsity"), fix: "or use the stage sparsify")
    }
  }

  package var needsCalibration: Bool {
    cache?.needsCalibration == true || correctsBias || method == .gptq
      || groups.contains { $0.activations.map { $0.scheme.hasScale && !$0.scheme.isDynamic } ?? false }
  }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    if !groups.isEmpty { try storeLayers(of: &model, context) }
    if let embeddings { try EmbeddingTables(format: embeddings, ignored: ignored).store(in: &model) }
    if let cache { try storeCache(of: &model, cache, context) }
  }

  /// After the layers: what they read back from the cache is real numbers to them.
  private func storeCache(of model: inout CompressedModel, _ formats: CacheFormats, _ context: CompressionContext) throws(Failure) {
    let graph = model.graph
    let cache = KeyValueCache(graph)
    guard !cache.entries.isEmpty else {
      throw Failure(
        "'kv_cache' finds no cache: no attention reads keys or values that are inputs of the model, and nothing is appended to an input",
        fix: "give a decoder with its past as inputs (a configuration: --dim past=N), or leave kv_cache out")
    }
    let plans = try cache.plans(formats, graph, context)
    do throws(OperatorError) {
      var writer = CacheWriter(graph)
      for (entry, plan) in zip(cache.entries, plans) { try writer.store(entry, plan.format, plan.parameters) }
      model.graph = writer.finish()
    } catch { throw Failure("the cache cannot be stored: \(error)") }
    for (entry, plan) in zip(cache.entries, plans) { model.records.append(entry.record(plan, graph)) }
  }

  private func storeLayers(of model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let graph = try withBiases(model.graph)
    let layers = QuantizedLayer.find(graph, groups, ignoring: ignored)
    guard !layers.isEmpty else {
      throw Failure("'quantize' matches no layer of the model", fix: "see 'targets' and 'ignore'; 'inspect' lists the nodes")
    }
    // A weight that is not a number would show up as results that are none.
    for layer in layers { try layer.checkWeight(of: graph) }
    let batches = needsCalibration ? try context.calibrationBatches(for: graph) : []
    let placement = QuantizationPlacement(graph, layers, context.capabilities)
    let biases = BiasTargets(graph, layers)
    let means = correctsBias ? ChannelMeans(graph, biases) : nil
    let calibrated = try ActivationCalibration(graph, placement, context).run(batches, means)
    let activations = calibrated.parameters
    let rounding = WeightRounding(graph: graph, layers: layers, stage: self, palette: context.capabilities.weightPalette)
    let weights = try rounding.run(batches, activations, means.map { (biases, $0) }, context)
    do throws(OperatorError) {
      let stored = placement.values.compactMap { item in activations[item.value].map { (value: item.value, parameters: $0) } }
      let inserter = QuantizationInserter(layers: layers, weights: weights.stored, activations: stored)
      model.graph = try inserter.insert(into: weights.sparse(graph.replacing(weights.biases)))
    } catch { throw Failure("the quantised graph cannot be built: \(error)") }
    model.records += weights.records + activationRecords(graph, placement, calibrated)
  }

  /// Bias correction needs a bias: layers that may have one and have none get zeros.
  private func withBiases(_ graph: Graph) throws(Failure) -> Graph {
    guard correctsBias else { return graph }
    return graph.addingZeroBiases(to: Set(QuantizedLayer.find(graph, groups, ignoring: ignored).map(\.node)))
  }

  private func activationRecords(
    _ graph: Graph, _ placement: QuantizationPlacement, _ calibrated: ActivationCalibration.Outcome
  ) -> [StageRecord] {
    placement.values.compactMap { value, _ in
      guard let found = calibrated.parameters[value] else { return nil }
      let shared = placement.representative(value)
      var reasons = shared == value ? [] : ["shares its scale with \(graph[shared].name)"]
      if let share = calibrated.noiseShares[value] {
        reasons.append("rounded to fewer bits: \(Format.percent(share)) of the outputs' noise")
      }
      return StageRecord(
        stage: Self.schema.name, layer: graph[value].name, action: "stored as \(found.scheme.title)",
        figures: found.scheme.isDynamic || !found.scheme.hasScale
          ? [] : [.init("scale", Double(found.scales[0])), .init("zero_point", Double(found.zeros[0]))],
        reason: reasons.isEmpty ? nil : reasons.joined(separator: "; "))
    }
  }
}

extension Graph {
  /// The same graph with other constants.
  package func replacing(_ constants: [ValueID: Constant]) -> Graph {
    guard !constants.isEmpty else { return self }
    var rewriter = Rewriter(self)
    for id in constants.keys.sorted() { if let constant = constants[id] { rewriter.setConstant(constant, of: id) } }
    return rewriter.finish()
  }
}
