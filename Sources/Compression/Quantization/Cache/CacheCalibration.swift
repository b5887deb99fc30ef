internal import Basic
internal import IR

extension KeyValueCache {
  /// How each entry is stored; nil scales are found when the model runs.
  struct Plan {
    var format: CacheFormat
    var parameters: QuantizationParameters?
  }

  /// The format of every entry, with static scales: one set for the past and what is written. Without data, float8 numbers are
  /// stored as they are.
  func plans(_ formats: CacheFormats, _ graph: Graph, _ context: CompressionContext) throws(Failure) -> [Plan] {
    var plans: [Plan] = []
    for entry in entries { plans.append(Plan(format: try format(of: entry, formats, graph))) }
    for (index, plan) in plans.enumerated() where plan.format.strategy == .tensor {
      plans[index].parameters = QuantizationParameters(plan.format.scheme, scales: [1], zeros: [0])
    }
    guard context.calibration != nil, plans.contains(where: { $0.format.strategy != .token }) else { return plans }
    let ranges = CacheRanges(zip(entries, plans).map { ($0, $1.format) })
    let prepared = try context.runner.prepare(graph)
    for batch in try context.calibrationBatches(for: graph) {
      for (input, datum) in zip(graph.inputs, batch) { if let tensor = datum?.tensor { ranges.add(tensor, of: input) } }
      _ = try prepared.run(batch) { value, tensor in ranges.add(tensor, of: value) }
    }
    for (index, plan) in plans.enumerated() where plan.format.strategy != .token {
      let format = plan.format
      let found = ranges.parts[index].map { $0.range(format.calibrator, format.scheme, percentile: format.percentile) }
      guard !found.isEmpty else { throw Failure("the calibration data says nothing about '\(graph[entries[index].past].name)'") }
      let pairs = found.map { QuantizationParameters.covering($0.low, $0.high, format.scheme) }
      plans[index].parameters = QuantizationParameters(format.scheme, scales: pairs.map(\.scale), zeros: pairs.map(\.zero))
    }
    return plans
  }

  private func format(of entry: Entry, _ formats: CacheFormats, _ graph: Graph) throws(Failure) -> CacheFormat {
    let name = graph[entry.past].name
    guard entry.role != nil || formats.keys == formats.values else {
      throw Failure(
        "'kv_cache': nothing tells whether '\(name)' holds keys or values, which are to be stored differently",
        fix: "leave out 'keys' and 'values'")
    }
    let format = entry.role == .values ? formats.values : formats.keys
    guard format.strategy != .tensor else { return format }
    guard let axes = entry.axes, let type = graph.tensorType(entry.past) else {
      throw Failure(
        "'kv_cache': '\(name)' is no cache of [images, heads, positions, channels], whose parts could have a scale each",
        fix: "use strategy: tensor")
    }
    let counted: [Int?] =
      switch format.strategy {
      case .tensor: []
      case .head: [axes.head]
      case .channel: [axes.head, axes.channel]
      case .token: [axes.channel]
      }
    guard format.strategy != .head || axes.head != nil else {
      throw Failure("'kv_cache': '\(name)' has no axis of heads", fix: "use strategy: tensor, channel or token")
    }
    guard counted.allSatisfy({ $0 == nil || type.shape[$0 ?? 0].constant.map { $0 > 0 } == true }) else {
      throw Failure(
        "'kv_cache': '\(name)' is [\(type.shape.map(\.description).joined(separator: ", "))]: a scale per \(format.strategy.rawValue) needs "
          + "extents that are known", fix: "give them: --dim NAME=N")
    }
    return format
  }
}

extension KeyValueCache.Entry {
  /// What was done, for the report: scales found at run time are counted with the bits of every number.
  func record(_ plan: KeyValueCache.Plan, _ graph: Graph) -> StageRecord {
    var figures: [StageRecord.Figure] = []
    var bits = Double(plan.format.scheme.storage.bits)
    if let parameters = plan.parameters, parameters.scales.count == 1 {
      figures = [.init("scale", Double(parameters.scales[0])), .init("zero_point", Double(parameters.zeros[0]))]
    } else if let parameters = plan.parameters {
      figures = [.init("scales", Double(parameters.scales.count))]
    } else if let axes, let depth = graph.tensorType(past)?.shape[axes.channel].constant {
      bits += 32 / Double(depth)
    }
    return StageRecord(
      stage: QuantizeStage.schema.name, layer: graph[past].name, action: "cache stored as \(plan.format.title)",
      figures: figures + [.init("bits_per_number", bits)],
      reason: written.map { "with \(graph[$0].name)" } ?? "no result of the model holds its new entries")
  }
}

/// Ranges of the parts of caches that have a scale each.
private final class CacheRanges {
  private(set) var parts: [[ObservedRange]]
  private let layouts: [(axes: KeyValueCache.Axes?, format: CacheFormat)]
  private var positions: [ValueID: Int] = [:]

  init(_ caches: [(entry: KeyValueCache.Entry, format: CacheFormat)]) {
    parts = caches.map { _ in [] }
    layouts = caches.map { ($0.entry.axes, $0.format) }
    for (index, cache) in caches.enumerated() where cache.format.strategy != .token {
      positions[cache.entry.past] = index
      if let written = cache.entry.written { positions[written] = index }
    }
  }

  func add(_ tensor: Tensor, of value: ValueID) {
    guard let position = positions[value], case .float32(let values) = tensor.elements, !values.isEmpty else { return }
    let (axes, format) = layouts[position]
    let pieces = pieces(values, tensor.shape, axes, format.strategy)
    if parts[position].isEmpty {
      parts[position] = pieces.map { _ in ObservedRange(counts: format.calibrator.needsHistogram) }
    }
    guard parts[position].count == pieces.count else { return }
    for (index, piece) in pieces.enumerated() { parts[position][index].add(piece) }
  }

  /// The numbers of every part, in the order of heads and channels.
  private func pieces(_ values: [Float], _ shape: [Int], _ axes: KeyValueCache.Axes?, _ strategy: CacheFormat.Strategy) -> [[Float]] {
    guard let axes, strategy == .head || strategy == .channel, shape.count > max(axes.length, axes.channel) else { return [values] }
    let isByHead = strategy == .head
    let layout = ScaleLayout(
      shape, isByHead ? .channel(axis: axes.head ?? 1) : .group(axis: axes.length, size: max(1, shape[axes.length])))
    let count = isByHead ? layout.count : layout.count / max(1, shape[0])
    var result = [[Float]](repeating: [], count: count)
    layout.forEachRun { start, stride, length, index in
      for step in 0..<length { result[index % count].append(values[start + step * stride]) }
    }
    return result
  }
}
