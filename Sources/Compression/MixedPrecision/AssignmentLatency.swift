internal import Basic
internal import IR

/// What the target says about graphs whose layers have given numbers of bits.
struct AssignmentLatency {
  private let graph: Graph
  private let layers: [LinearLayer]
  private let bits: [Int]
  private let oracle: (any LatencyOracle)?
  /// All layers at one number of bits.
  private let uniform: [LatencyEstimate]

  init(_ graph: Graph, _ layers: [LinearLayer], _ bits: [Int], _ oracle: (any LatencyOracle)?) throws(Failure) {
    self.graph = graph
    self.layers = layers
    self.bits = bits
    self.oracle = oracle
    var uniform: [LatencyEstimate] = []
    if let oracle {
      for choice in bits.indices { uniform.append(try oracle.estimate(Self.encoded(graph, layers, layers.map { _ in bits[choice] }))) }
    }
    self.uniform = uniform
  }

  /// Seconds of a layer where all others have as many bits.
  func alone(_ layer: LinearLayer, _ choice: Int) throws(Failure) -> Double {
    guard !uniform.isEmpty else { throw Failure("a latency budget needs a target to ask", fix: "give the recipe's key target") }
    return uniform[choice].layers[layer.name] ?? 0
  }

  /// Gives up bits, the least loss per second saved first, until the whole graph meets the budget; stops where nothing is saved any more.
  func meeting(_ share: Double, _ start: [Int], _ problem: ChoiceProblem) throws(Failure) -> [Int] {
    guard let oracle, let low = uniform.first, let high = uniform.last else { return start }
    let limit = low.seconds + share * (high.seconds - low.seconds)
    var choices = start
    var now = try oracle.estimate(encoded(choices)).seconds
    while now > limit * (1 + 1e-9) {
      var best: (index: Int, seconds: Double, price: Double)?
      for index in choices.indices where choices[index] > 0 {
        var next = choices
        next[index] -= 1
        let seconds = try oracle.estimate(encoded(next)).seconds
        guard seconds < now else { continue }
        let price = (problem.items[index][next[index]].loss - problem.items[index][choices[index]].loss) / (now - seconds)
        if best.map({ price < $0.price }) ?? true { best = (index, seconds, price) }
      }
      guard let best else { return choices }
      choices[best.index] -= 1
      now = best.seconds
    }
    return choices
  }

  /// Gives layers the most bits again where that does not make the whole graph slower.
  func raisingWhatDoesNotPay(_ start: [Int]) throws(Failure) -> [Int] {
    guard let oracle else {
      throw Failure("'only_if_faster' needs a target to ask", fix: "give the recipe's key target, or drop only_if_faster")
    }
    var choices = start
    var now = try oracle.estimate(encoded(choices)).seconds
    for index in choices.indices where choices[index] < bits.count - 1 {
      var raised = choices
      raised[index] = bits.count - 1
      let seconds = try oracle.estimate(encoded(raised)).seconds
      if seconds <= now { (choices, now) = (raised, seconds) }
    }
    return choices
  }

  private func encoded(_ choices: [Int]) -> Graph { Self.encoded(graph, layers, choices.map { bits[$0] }) }

  /// Types only: predictions do not need the rounded weights.
  private static func encoded(_ graph: Graph, _ layers: [LinearLayer], _ widths: [Int]) -> Graph {
    var rewriter = Rewriter(graph)
    for (layer, width) in zip(layers, widths) {
      let storage: ElementType = width <= 4 ? .int4 : width <= 8 ? .int8 : .int16
      if var type = graph.tensorType(layer.weight) {
        type.encoding.quantization = Encoding.Quantization(storage: storage, granularity: .channel(axis: layer.outputAxis))
        rewriter.setType(.tensor(type), of: layer.weight)
      }
      if let input = graph[layer.node].inputs[0], var type = graph.tensorType(input) {
        type.encoding.quantization = Encoding.Quantization(storage: storage)
        rewriter.setType(.tensor(type), of: input)
      }
    }
    return rewriter.finish()
  }
}
