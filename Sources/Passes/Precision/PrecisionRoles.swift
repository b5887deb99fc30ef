internal import IR

/// Which values of a graph are weights of contractions and which are their activations, and the format a request gives each.
struct PrecisionRoles {
  private var weights: Set<ValueID> = []
  private var activations: Set<ValueID> = []

  /// - `isStatic`: scales are known before the run, so quantised values may pass additions, pooling and copies.
  /// - `plain`: source nodes whose products stay in 16 bits.
  init(_ graph: Graph, isStatic: Bool, plain: Set<String> = []) {
    for id in graph.nodeIDs {
      let node = graph[id]
      guard case .contraction? = graph.computation(of: node), node.inputs.count >= 2,
        plain.isDisjoint(with: node.origin.names)
      else { continue }
      for case let input? in node.inputs.prefix(2) {
        if graph[input].constant != nil { weights.insert(input) } else { activations.insert(input) }
      }
    }
    if isStatic { quantizeSources(graph) }
  }

  /// Carries the format of a value back through the operation that made it, as engines do: a residual addition, a pooling or a
  /// concatenation whose result is quantised also reads quantised operands, so a convolution before it stores them so.
  ///
  /// Stops at what computes in more bits (norms, softmax, transcendental functions), at the inputs of the model, and at an
  /// operation that mixes in such a value: a gate keeps both its sides.
  private mutating func quantizeSources(_ graph: Graph) {
    var open = activations.sorted { $0.index > $1.index }
    while let value = open.popLast() {
      guard let producer = graph.producer(value), let computation = graph.computation(of: graph[producer]),
        Self.passesQuantized(graph[producer], computation)
      else { continue }
      let sources = graph[producer].inputs.compactMap { $0 }.filter { !graph.isConstant($0) }
      guard sources.allSatisfy({ activations.contains($0) || Self.canStoreQuantized($0, graph) }) else { continue }
      for source in sources where activations.insert(source).inserted { open.append(source) }
    }
  }

  /// True when a contraction or an operation on quantised values makes the value.
  private static func canStoreQuantized(_ value: ValueID, _ graph: Graph) -> Bool {
    guard let producer = graph.producer(value), let computation = graph.computation(of: graph[producer]) else { return false }
    if case .contraction = computation { return true }
    return passesQuantized(graph[producer], computation)
  }

  /// Integer kernels carry these out with one rescaling: arithmetic without transcendental functions, pooling and moves.
  private static func passesQuantized(_ node: Node, _ computation: Computation) -> Bool {
    switch computation {
    case .pointwise: node.operation.storedForm == .rescaled
    case .reduction(let reduction): reduction.kind == .maximum || reduction.kind == .mean
    case .movement(let movement): movement.kind != .gather && movement.kind != .scatter && movement.kind != .cast
    case .contraction, .attention, .loop, .opaque: false
    }
  }

  /// - `halfFloat`: what "16 bits" are on the target.
  func encoding(of value: ValueID, _ request: PrecisionRequest, halfFloat: ElementType) -> Encoding.Quantization? {
    if weights.contains(value) {
      return Encoding.Quantization(storage: request.weights, granularity: request.weightGranularity ?? .tensor, scale: request.weightScale)
    }
    let storage = request.activations ?? halfFloat
    guard storage.bits < 16 else { return Encoding.Quantization(storage: storage) }
    guard activations.contains(value) else { return Encoding.Quantization(storage: halfFloat) }
    return Encoding.Quantization(storage: storage, granularity: request.isDynamic ? .token : .tensor, isDynamic: request.isDynamic)
  }
}
