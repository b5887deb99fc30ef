package import Basic
internal import IR

/// Gives every layer its own number of bits under a budget, then quantises.
///
/// The sensitivity of each layer and its costs make a knapsack, which is solved exactly; costs that do not add up (fusion,
/// launch times) are then settled by asking the target about whole graphs.
package struct MixedPrecisionStage: CompressionStage {
  package static let schema = OptionSchema(
    "mixed_precision", "Chooses the bits of every layer under a budget of size, operations or latency, then quantises.",
    [
      OptionKey("bits", .list(.integer(2...16)), "Numbers of bits to choose from (default [4, 8])."),
      OptionKey(
        "metric", .choice(SensitivityStudy.Metric.allCases.map(\.rawValue)), "What a layer loses (default kl)."),
      OptionKey(
        "resource", .choice(SensitivityTable.Resource.allCases.map(\.rawValue)), "What the budget limits (default size).", isRequired: true),
      OptionKey("share", .number(0...1), "How far from the fewest bits everywhere (0) to the most (1) the cost may go.", isRequired: true),
      OptionKey("only_if_faster", .flag, "Keep the most bits in layers that the target does not run faster with fewer (default false)."),
      OptionKey("samples", .integer(1...100_000), "Calibration samples for the sensitivity (default 64)."),
      OptionKey("activations", .object(ActivationFormat.schema), "How activations are stored; absent leaves them."),
      OptionKey("method", .choice(QuantizeStage.Method.allCases.map(\.rawValue)), "How weights are rounded (default gptq)."),
      OptionKey("bias_correction", .flag, "Take the mean error of every layer out of its bias (default true)."),
      OptionKey("targets", .selectors, "Layers to quantise (default: all)."),
      OptionKey("ignore", .selectors, "Layers that stay as they are."),
    ])

  private let bits: [Int]
  private let metric: SensitivityStudy.Metric
  private let resource: SensitivityTable.Resource
  private let share: Double
  private let onlyIfFaster: Bool
  private let samples: Int
  private let options: OptionReader
  private let targets: NodeSelector
  private let ignored: NodeSelector?

  package init(_ options: OptionReader) throws(Failure) {
    self.options = options
    bits = Array(Set((options.numbers("bits") ?? [4, 8]).map { Int($0) })).sorted()
    metric = options.choice("metric") ?? .kl
    resource = options.choice("resource") ?? .size
    share = options.number("share") ?? 1
    onlyIfFaster = options.flag("only_if_faster") ?? false
    samples = options.integer("samples") ?? 64
    targets = try options.selector("targets") ?? .everything
    ignored = try options.selector("ignore")
    guard bits.count >= 2 else {
      throw Failure("there is nothing to choose: give two or more numbers of bits", at: options.location(of: "bits"))
    }
  }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let graph = model.graph
    let layers = LinearLayer.all(in: graph).filter { targets.matches(graph[$0.node]) && ignored?.matches(graph[$0.node]) != true }
    guard !layers.isEmpty else { throw Failure("'mixed_precision' matches no layer of the model", at: options.location) }
    guard let calibration = context.calibration?.prefix(samples, for: graph) else {
      throw Failure("this needs calibration data", fix: "give the recipe's key calibration.data")
    }
    let batches = try calibration.batches(of: context.batch, for: graph)
    let study = SensitivityStudy(metric, bits: bits)
    let losses = try study.run(graph, layers, batches) { context.progress("sensitivity", $0) }
    let timing = try AssignmentLatency(graph, layers, bits, context.latency)
    let problem = ChoiceProblem(
      try layers.indices.map { (index) throws(Failure) in
        try bits.indices.map { (choice) throws(Failure) in
          .init(cost: try cost(layers[index], losses[index], choice, timing), loss: losses[index].losses[choice])
        }
      })
    let (low, high) = (problem.solution(layers.map { _ in 0 }), problem.solution(layers.map { _ in bits.count - 1 }))
    guard var best = problem.optimum(budget: low.cost + share * (high.cost - low.cost))?.choices else {
      throw Failure("no choice of bits meets the budget")
    }
    if resource == .latency { best = try timing.meeting(share, best, problem) }
    if onlyIfFaster { best = try timing.raisingWhatDoesNotPay(best) }
    model.records += layers.indices.map { index in
      StageRecord(
        stage: Self.schema.name, layer: layers[index].name, action: "\(bits[best[index]]) bits",
        figures: [.init("loss", losses[index].losses[best[index]])])
    }
    try quantize(&model, layers, best, context)
  }

  private func cost(
    _ layer: LinearLayer, _ row: SensitivityStudy.Layer, _ choice: Int, _ timing: AssignmentLatency
  ) throws(Failure) -> Double {
    let width = Double(bits[choice])
    switch resource {
    case .size: return Double(layer.weightCount) * width / 8
    case .bops: return Double(row.macs) * width * width
    case .latency: return try timing.alone(layer, choice)
    }
  }

  /// Runs `quantize` with one group per number of bits.
  private func quantize(_ model: inout CompressedModel, _ layers: [LinearLayer], _ choices: [Int], _ context: CompressionContext)
    throws(Failure)
  {
    let place = options.location
    func value(_ content: OptionValue.Content) -> OptionValue { OptionValue(content, at: place) }
    func mapping(_ entries: [(String, OptionValue)]) -> OptionValue { value(.mapping(entries.map { OptionEntry($0.0, at: place, $0.1) })) }
    let groups = bits.indices.compactMap { choice -> (String, OptionValue)? in
      let names = zip(layers, choices).filter { $0.1 == choice }.map { value(.text($0.0.name)) }
      guard !names.isEmpty else { return nil }
      var entries = [("targets", value(.list(names))), ("weights", mapping([("num_bits", value(.integer(bits[choice])))]))]
      if let activations = options.value["activations"] { entries.append(("activations", activations)) }
      return ("bits\(bits[choice])", mapping(entries))
    }
    let recipe = mapping([
      ("method", value(.text(options.text("method") ?? QuantizeStage.Method.gptq.rawValue))), ("groups", mapping(groups)),
      ("bias_correction", value(.flag(options.flag("bias_correction") ?? true))),
    ])
    try QuantizeStage(OptionReader(recipe, schema: QuantizeStage.schema)).apply(&model, context)
  }
}
