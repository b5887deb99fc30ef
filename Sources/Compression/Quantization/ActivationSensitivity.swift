internal import Basic
internal import IR
internal import Numerics

/// How much the model's outputs feel the rounding of each stored activation, one rounded at a time.
struct ActivationSensitivity {
  private let graph: Graph
  private let values: [(value: ValueID, parameters: QuantizationParameters)]

  /// - Parameter values: what is rounded, and to which numbers, in execution order.
  init(_ graph: Graph, _ values: [(value: ValueID, parameters: QuantizationParameters)]) { (self.graph, self.values) = (graph, values) }

  /// Noise over signal of the outputs per value, all other values exact.
  ///
  /// What precedes a value runs once, what follows runs again: half an evaluation per value on average.
  func noise(_ batches: [[Datum?]], progress: @Sendable (Double) -> Void = { _ in }) throws(Failure) -> [ValueID: Double] {
    let prepared = try PreparedGraph(graph, Evaluator(path: .fast, threads: 1))
    let values = try values.map { (item) throws(Failure) in
      (item.value, item.parameters, try position(after: item.value, in: prepared))
    }
    let outcomes = try concurrently(batches.count) { index throws(Failure) in
      var checkpoint = try prepared.checkpoint(batches[index])
      let exact = try prepared.finish(checkpoint)
      var distances = [OutputDistance](repeating: OutputDistance(), count: values.count)
      for (slot, (value, parameters, position)) in values.enumerated() {
        try prepared.advance(&checkpoint, to: position)
        guard case .tensor(let tensor)? = checkpoint[value] else { continue }
        let outputs = try prepared.finish(checkpoint, with: [value: .tensor(parameters.restored(tensor))])
        for case (.tensor(let changed), .tensor(let wanted)) in zip(outputs, exact) { distances[slot].add(changed, exact: wanted) }
      }
      return distances
    } done: {
      progress($0)
    }
    var result: [ValueID: Double] = [:]
    for (slot, (value, _, _)) in values.enumerated() {
      var sum = OutputDistance()
      for outcome in outcomes { sum.add(outcome[slot]) }
      result[value] = sum.relativeNoise
    }
    return result
  }

  /// Where a run has just computed a value: 0 for an input of the graph.
  private func position(after value: ValueID, in prepared: PreparedGraph) throws(Failure) -> Int {
    guard let producer = graph[value].producer else { return 0 }
    return prepared.position(of: producer).map { $0 + 1 } ?? 0
  }

  /// The fewest whose noise adds up to a share of the whole, loudest first.
  static func loudest(_ noise: [ValueID: Double], share: Double) -> [ValueID] {
    let total = noise.values.reduce(0, +)
    var (sum, chosen) = (0.0, [ValueID]())
    for (value, part) in noise.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) where sum < share * total {
      chosen.append(value)
      sum += part
    }
    return chosen
  }
}
