internal import Basic
package import IR

/// Which values of a graph are stored in few bits, and which of them must share a scale.
///
/// A value inside a kernel of the target is never stored, so it is never quantised: the epilogue of a contraction (as far as
/// the target fuses it) runs on the accumulator, and the value behind it is the first that is stored.
struct QuantizationPlacement {
  /// Values to quantise, in execution order, with the format they take.
  private(set) var values: [(value: ValueID, format: ActivationFormat)] = []
  /// Representative of the class of values that share scale and zero point.
  private(set) var sharing: [ValueID: ValueID] = [:]

  private let facts: GraphFacts
  private let capabilities: Capabilities
  private let layers: [NodeID: QuantizedLayer]
  private var formats: [ValueID: ActivationFormat] = [:]

  init(_ graph: Graph, _ layers: [QuantizedLayer], _ capabilities: Capabilities) {
    facts = GraphFacts(graph)
    self.capabilities = capabilities
    self.layers = Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) })
    place()
  }

  /// The class a value belongs to.
  func representative(_ value: ValueID) -> ValueID {
    var root = value
    while let next = sharing[root], next != root { root = next }
    return root
  }

  private mutating func place() {
    let graph = facts.graph
    // Inputs of layers come first: they are stored whatever produces them.
    for id in facts.order {
      guard let layer = layers[id], let format = layer.activations else { continue }
      for input in layer.inputs where formats[input] == nil { formats[input] = format }
    }
    for id in facts.order {
      guard let format = resultFormat(id) else { continue }
      let result = epilogueEnd(of: id)
      guard formats[result] == nil, graph.tensorType(result)?.element == .float32 else { continue }
      if facts.users(of: result).contains(where: { runsOnStoredNumbers($0) || layers[$0] != nil }) { formats[result] = format }
    }
    let positions = Dictionary(uniqueKeysWithValues: facts.order.enumerated().map { ($1, $0) })
    func position(_ value: ValueID) -> (Int, Int) { (graph[value].producer.flatMap { positions[$0] } ?? -1, value.index) }
    values = formats.keys.sorted { position($0) < position($1) }.map { ($0, formats[$0]) }.compactMap { value, format in
      format.map { (value, $0) }
    }
    shareScales()
  }

  /// The format of a node's result when the node itself works on stored numbers.
  private func resultFormat(_ id: NodeID) -> ActivationFormat? {
    if let layer = layers[id] { return layer.activations?.coversResults == true ? layer.activations : nil }
    guard runsOnStoredNumbers(id) else { return nil }
    let inputs = facts.activations(of: id)
    guard !inputs.isEmpty else { return nil }
    let found = inputs.map { formats[$0] }
    guard found.allSatisfy({ $0?.coversResults == true }) else { return nil }
    return found[0]
  }

  /// Additions, products, clamps, pools, means and moves have integer forms; softmax, normalisation and loops do not.
  private func runsOnStoredNumbers(_ id: NodeID) -> Bool {
    switch facts.computation(id) {
    case .pointwise: facts.graph[id].operation.storedForm != nil
    case .reduction(let reduction):
      switch reduction.kind {
      case .sum, .mean, .maximum, .minimum: true
      case .product, .argument, .softmax, .normalization, .scan, .sort: false
      }
    case .movement(let movement): movement.kind != .cast
    case .contraction, .attention, .loop, .opaque, nil: false
    }
  }

  /// Follows the chain that the target's kernel applies before it stores the result.
  private func epilogueEnd(of id: NodeID) -> ValueID {
    let graph = facts.graph
    var value = graph[id].outputs[0]
    var hasResidual = false
    while formats[value] == nil, !facts.isOutput(value), facts.users(of: value).count == 1, let next = facts.users(of: value).first,
      graph[next].outputs.count == 1, case .pointwise(let pointwise)? = facts.computation(next),
      graph.tensorType(graph[next].outputs[0])?.shape == graph.tensorType(value)?.shape
    {
      let others = facts.activations(of: next).filter { $0 != value }
      if others.isEmpty {
        let isBias = pointwise.function == "add"
        // A factor per channel behind a table or a float unit is part of what it computes.
        let isFactor = pointwise.function == "mul" && facts.takesFactor(value)
        let isAllowed = capabilities.epilogueFunctions.contains("*") || capabilities.epilogueFunctions.contains(pointwise.function)
        guard isBias || isFactor || isAllowed else { break }
      } else {
        guard capabilities.fusesResidual, !hasResidual, others.count == 1, pointwise.function == "add" else { break }
        hasResidual = true
      }
      value = graph[next].outputs[0]
    }
    return value
  }

  /// Moves, maxima and concatenations copy stored numbers: their inputs and results must mean the same. Sums add them as they
  /// are where the recipe says so: then their inputs must.
  private mutating func shareScales() {
    for id in facts.order {
      if let first = inputsOfSum(id).first { for input in inputsOfSum(id).dropFirst() { share(input, first) } }
      let result = facts.graph[id].outputs.first ?? nil
      guard let result, formats[result] != nil else { continue }
      let isCopy: Bool
      switch facts.computation(id) {
      case .movement(let movement): isCopy = movement.kind != .cast && movement.kind != .resize
      case .reduction(let reduction): isCopy = reduction.kind == .maximum || reduction.kind == .minimum
      default: isCopy = false
      }
      guard isCopy else { continue }
      for input in facts.activations(of: id) where formats[input] != nil { share(input, result) }
    }
  }

  private mutating func share(_ one: ValueID, _ other: ValueID) {
    let (a, b) = (representative(one), representative(other))
    if a != b { sharing[max(a, b)] = min(a, b) }
  }

  /// Stored inputs that a sum adds as they are.
  private func inputsOfSum(_ id: NodeID) -> [ValueID] {
    guard case .pointwise(let pointwise)? = facts.computation(id), pointwise.function == "add" || pointwise.function == "sub" else {
      return []
    }
    return facts.activations(of: id).filter { formats[$0]?.sharesSums == true }
  }
}

/// What deployment libraries do between stored numbers.
package enum PlacementRules {
  /// What onnxruntime's CPU kernels fuse: an activation that clamps. Used when no target is named.
  package static let onnxruntime = Capabilities(
    epilogueFunctions: ["relu", "clip"], fusesResidual: false, fusesPointwiseChains: false, fusesReductionSinks: false)
}
