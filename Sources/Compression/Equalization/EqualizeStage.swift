package import Basic
internal import IR
internal import Foundation
internal import Numerics

/// Moves size between layers so that few bits lose less; the model computes the same.
package struct EqualizeStage: CompressionStage {
  package enum Method: String, Sendable, CaseIterable {
    /// Weights of both sides get equal ranges per channel (Nagel et al., arXiv:1906.04721).
    case crossLayer = "cross_layer"
    /// Outliers of activations move into weights (Xiao et al., SmoothQuant, arXiv:2211.10438).
    case smoothquant
    /// Weights that meet large activations are enlarged; the exponent is searched (Lin et al., AWQ, arXiv:2306.00978).
    case awq
    /// Channels that depthwise convolutions read get one range; behind a hard-swish by a product per channel.
    case channelRanges = "channel_ranges"
  }

  package static let schema = OptionSchema(
    "equalize", "Moves size between layers so that few bits lose less; the model computes the same.",
    [
      OptionKey("method", .choice(Method.allCases.map(\.rawValue)), "Which sizes are balanced (default cross_layer)."),
      OptionKey("alpha", .number(0...1), "Share of an outlier that moves into the weights, for smoothquant (default 0.5)."),
      OptionKey("num_bits", .integer(2...8), "Bits of the weights to come, for awq (default 4)."),
      OptionKey("group_size", .integer(2...4096), "Inputs that share a scale, for awq (default one scale per output)."),
      OptionKey("targets", .selectors, "Layers that may be changed (default every layer)."),
      OptionKey("ignore", .selectors, "Layers that stay as they are."),
    ])

  private let method: Method
  private let alpha: Double
  private let bits: Int
  private let groupSize: Int?
  private let targets: NodeSelector
  private let ignored: NodeSelector?

  package init(_ options: OptionReader) throws(Failure) {
    method = options.choice("method") ?? .crossLayer
    guard method == .smoothquant || !options.has("alpha") else {
      throw Failure("'alpha' belongs to smoothquant", at: options.location(of: "alpha"))
    }
    for key in ["num_bits", "group_size"] where options.has(key) && method != .awq {
      throw Failure("'\(key)' belongs to awq", at: options.location(of: key))
    }
    alpha = options.number("alpha") ?? 0.5
    bits = options.integer("num_bits") ?? 4
    groupSize = options.integer("group_size")
    targets =
      try options.texts("targets").map { (entries) throws(Failure) in
        try NodeSelector(entries, at: options.location(of: "targets"))
      } ?? .everything
    ignored = try options.texts("ignore").map { (entries) throws(Failure) in
      try NodeSelector(entries, at: options.location(of: "ignore"))
    }
  }

  package var needsCalibration: Bool { method != .crossLayer }
  package var preservesResults: Bool { true }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let graph = model.graph
    let edges = ScalableEdge.all(in: graph, products: method == .channelRanges ? .behindBentFunctions : .none).filter { edge in
      edge.readers.allSatisfy { targets.matches(graph[$0.node]) && ignored?.matches(graph[$0.node]) != true }
    }
    switch method {
    case .crossLayer: crossLayer(edges.filter(\.comesFromLayer), &model)
    case .smoothquant: try smooth(edges, &model, context)
    case .awq: try searchExponents(edges, &model, context)
    case .channelRanges: try equalRanges(edges, &model, context)
    }
    guard model.records.last?.stage != Self.schema.name else { return }
    model.records.append(
      StageRecord(stage: Self.schema.name, action: "nothing to balance", reason: "no value is scaled by one layer and read by layers only"))
  }

  // MARK: Weights against weights

  /// s = √(r₁/r₂) per channel, swept over all pairs until no factor moves by more than 0.1 %.
  private func crossLayer(_ edges: [ScalableEdge], _ model: inout CompressedModel) {
    var totals = edges.map { [Float](repeating: 1, count: $0.channels) }
    for _ in 0..<30 {
      var largestMove: Float = 0
      for (index, edge) in edges.enumerated() {
        let before = edge.sources[0].magnitudes(model.graph)
        var after = [Float](repeating: 0, count: edge.channels)
        for reader in edge.readers {
          for (i, value) in reader.weight.magnitudes(model.graph).enumerated() { after[i] = max(after[i], value) }
        }
        let factors = zip(before, after).map { $0 > 0 && $1 > 0 ? min(max(($0 / $1).squareRoot(), 1e-3), 1e3) : 1 }
        largestMove = factors.reduce(largestMove) { max($0, ($1 - 1).magnitude) }
        model.graph = model.graph.replacing(edge.scaled(factors, model.graph))
        for i in factors.indices { totals[index][i] *= factors[i] }
      }
      guard largestMove > 1e-3 else { break }
    }
    for (edge, factors) in zip(edges, totals) { record(edge, factors, &model) }
  }

  // MARK: Activations against weights

  /// s = max|x|^α / max|w|^(1−α) per channel.
  private func smooth(_ edges: [ScalableEdge], _ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let sizes = try ChannelSizes(model.graph, edges, context)
    for edge in edges {
      var weights = [Float](repeating: 0, count: edge.channels)
      for reader in edge.readers {
        for (i, value) in reader.weight.magnitudes(model.graph).enumerated() { weights[i] = max(weights[i], value) }
      }
      let factors = zip(sizes.largest(edge), weights).map { x, w -> Float in
        guard x > 0, w > 0 else { return 1 }
        return Float(min(max(pow(Double(x), alpha) / pow(Double(w), 1 - alpha), 1e-3), 1e3))
      }
      model.graph = model.graph.replacing(edge.scaled(factors, model.graph))
      record(edge, factors, &model)
    }
  }

  /// s = max|x_c| / max|x|: a depthwise convolution has a weight scale per channel, so its weights lose nothing to it.
  private func equalRanges(_ all: [ScalableEdge], _ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let edges = all.filter { $0.readers.allSatisfy(\.isDepthwise) }
    guard !edges.isEmpty else { return }
    let sizes = try ChannelSizes(model.graph, edges, context)
    for edge in edges {
      let largest = sizes.largest(edge)
      let most = largest.max() ?? 0
      let factors = largest.map { $0 > 0 ? max($0 / most, 1e-3) : 1 }
      do throws(OperatorError) { model.graph = try edge.scale(model.graph, by: factors) } catch {
        throw Failure("'\(model.graph[edge.value].name)' cannot be balanced: \(error)")
      }
      record(edge, factors, &model)
    }
  }

  /// s = mean|x|^β with the β of 0, 0.05 … 1 whose rounded weights change the layers' results least.
  private func searchExponents(_ edges: [ScalableEdge], _ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let sizes = try ChannelSizes(model.graph, edges, context)
    let layers = edges.flatMap { edge in edge.readers.compactMap { LinearLayer(model.graph, $0.node) } }
    let moments = try SecondMoments(model.graph, layers, batches: try context.calibrationBatches(for: model.graph), runner: context.runner)
    for (index, edge) in edges.enumerated() {
      let means = sizes.mean(edge)
      var best = (error: Double.infinity, exponent: 0.0, factors: [Float](repeating: 1, count: edge.channels))
      var plain = 0.0
      for exponent in stride(from: 0.0, through: 1.0, by: 0.05) {
        let raw = means.map { pow(Double(max($0, 1e-6)), exponent) }
        let middle = ((raw.max() ?? 1) * (raw.min() ?? 1)).squareRoot()
        let factors = raw.map { Float($0 / middle) }
        let error = try roundingError(edge, factors, model.graph, moments)
        if exponent == 0 { plain = error }
        if error < best.error { best = (error, exponent, factors) }
      }
      model.graph = model.graph.replacing(edge.scaled(best.factors, model.graph))
      record(edge, best.factors, &model, [.init("exponent", best.exponent), .init("error_share", plain > 0 ? best.error / plain : 1)])
      context.progress("equalize", Double(index + 1) / Double(edges.count))
    }
  }

  /// Σ over readers of tr(Δ·XᵀX·Δᵀ) with Δ = Q(W·s)/s − W.
  private func roundingError(_ edge: ScalableEdge, _ factors: [Float], _ graph: Graph, _ moments: SecondMoments) throws(Failure) -> Double {
    var total = 0.0
    for reader in edge.readers {
      guard let layer = LinearLayer(graph, reader.node), let old = graph.constant(layer.weight).flatMap({ Tensor($0) }),
        let constant = reader.weight.scaled(graph, factors), let enlarged = Tensor(constant), case .float32(let values) = enlarged.elements
      else { continue }
      let granularity: Encoding.Quantization.Granularity =
        groupSize.map { .group(axis: layer.channelAxis, size: $0) } ?? .channel(axis: layer.outputAxis)
      let scheme = QuantizationScheme(storage: bits <= 4 ? .int4 : .int8, granularity: granularity, bits: bits)
      let rounded = QuantizationParameters.forWeight(values, shape: enlarged.shape, scheme, .minmax).restored(values, shape: enlarged.shape)
      let part = ScalableEdge.Part(constant: layer.weight, axis: reader.weight.axis)
      let back = part.scaled(graph.replacing([layer.weight: Constant(Tensor(enlarged.shape, floats: rounded))]), factors.map { 1 / $0 })
      guard let restored = back.flatMap({ Tensor($0) }) else { continue }
      for (group, pair) in zip(try layer.matrices(restored), try layer.matrices(old)).enumerated() where group < moments[layer].count {
        total += outputError(pair.0 - pair.1, moments[layer][group].gram)
      }
    }
    return total
  }

  private func record(_ edge: ScalableEdge, _ factors: [Float], _ model: inout CompressedModel, _ figures: [StageRecord.Figure] = []) {
    let names = edge.readers.map { model.graph[$0.node].name }
    let range: [StageRecord.Figure] = [
      .init("smallest_factor", Double(factors.min() ?? 1)), .init("largest_factor", Double(factors.max() ?? 1)),
    ]
    model.records.append(
      StageRecord(
        stage: Self.schema.name, layer: model.graph[edge.value].name, action: "\(edge.channels) channels scaled (\(method.rawValue))",
        figures: range + figures, reason: "read by \(names.joined(separator: ", "))"))
  }
}

/// Largest and mean magnitude of every channel of some values over calibration data.
private struct ChannelSizes {
  private var largest: [ValueID: [Float]] = [:]
  private var sums: [ValueID: [Double]] = [:]
  private var counts: [ValueID: Double] = [:]

  init(_ graph: Graph, _ edges: [ScalableEdge], _ context: CompressionContext) throws(Failure) {
    let box = Box()
    // The channel axis of a value is the last one before matrix products and 1 before convolutions.
    let axes = Dictionary(
      edges.map { edge in (edge.value, graph.tensorType(edge.readers[0].weight.constant)?.rank == 2 ? -1 : 1) },
      uniquingKeysWith: { a, _ in a })
    let prepared = try context.runner.prepare(graph)
    for batch in try context.calibrationBatches(for: graph) {
      _ = try prepared.run(batch) { value, tensor in
        if let axis = axes[value] { box.add(value, tensor, axis) }
      }
    }
    (largest, sums, counts) = (box.largest, box.sums, box.counts)
  }

  func largest(_ edge: ScalableEdge) -> [Float] { largest[edge.value] ?? [Float](repeating: 0, count: edge.channels) }

  func mean(_ edge: ScalableEdge) -> [Float] {
    let count = max(1, counts[edge.value] ?? 1)
    return (sums[edge.value] ?? [Double](repeating: 0, count: edge.channels)).map { Float($0 / count) }
  }

  private final class Box {
    var largest: [ValueID: [Float]] = [:]
    var sums: [ValueID: [Double]] = [:]
    var counts: [ValueID: Double] = [:]

    func add(_ value: ValueID, _ tensor: Tensor, _ axis: Int) {
      guard case .float32(let elements) = tensor.elements, !tensor.shape.isEmpty else { return }
      let position = axis < 0 ? tensor.rank - 1 : axis
      let channels = tensor.shape[position]
      let inner = tensor.shape[(position + 1)...].reduce(1, *)
      var most = largest[value] ?? [Float](repeating: 0, count: channels)
      var sum = sums[value] ?? [Double](repeating: 0, count: channels)
      for (index, element) in elements.enumerated() {
        let channel = index / inner % channels
        most[channel] = max(most[channel], element.magnitude)
        sum[channel] += Double(element.magnitude)
      }
      (largest[value], sums[value]) = (most, sum)
      counts[value, default: 0] += Double(elements.count / max(1, channels))
    }
  }
}
