internal import IR
internal import Lowering
internal import Ops
internal import Results

/// The number formats of what a model file leaves open: its float32 numbers run in the machine's own format, as deployment tools
/// do, whether its weights are stored in fewer bits or not.
struct DefaultPrecision {
  /// Spelling for the compiler; nil where the file says everything.
  let name: String?

  init(_ machine: any Machine, _ graph: Graph) {
    let usual = machine.defaultPrecision
    if let published = graph.source.published.precision {
      name = published
    } else if !usual.isFloat, Self.storesActivations(graph) {
      // The file says which layers are integers: the others stay in floating point.
      name = nil
    } else {
      name = usual.rawValue
    }
  }

  /// - Parameter asked: `--precision`, before which nothing else counts.
  static func set(_ options: inout Compilation.Options, asked: String?, _ machine: any Machine, _ graph: Graph) {
    options.precision = asked ?? DefaultPrecision(machine, graph).name
    options.plainLayers = asked == nil ? graph.source.published.plainLayers : []
  }

  /// What was taken for granted, in words.
  ///
  /// - Parameter used: the format kernels ran in that the file does not name; nil without such kernels.
  static func assumptions(_ graph: Graph, used: String?) -> [Assumption] {
    let published = graph.source.published
    if let precision = published.precision {
      let head = published.plainLayers.isEmpty ? "" : ", the head in 16 bits"
      return [
        Assumption(
          what: "weights are stored as quantization_config says (\(published.description))\(head): \(precision)", basis: .documented,
          source: "the model's configuration; --precision takes another format")
      ]
    }
    guard let used, let own = numbers(graph), own.rawValue != used else { return [] }
    return [
      Assumption(
        what: "layers that the file has in \(own.rawValue) run in \(used), the format this machine is usually used with", basis: .assumed,
        source: "no --precision was given; --precision \(own.rawValue) keeps them")
    ]
  }

  /// The float format that most of the file's numbers have.
  private static func numbers(_ graph: Graph) -> ElementType? {
    if let published = graph.source.published.numbers { return published }
    var counts: [ElementType: Int] = [:]
    for value in graph.valueIDs {
      guard let type = graph.tensorType(value), type.element.isFloat, type.element.bits >= 16 else { continue }
      counts[type.element, default: 0] += max(1, type.elementCount ?? 1)
    }
    return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key
  }
}

extension DefaultPrecision {
  /// Whether any layer's weights or activations have a format of their own in the file.
  static func fileHasFormats(_ graph: Graph) -> Bool {
    let users = graph.usersByValue()
    return graph.valueIDs.contains { isLayerOperand($0, graph, users) }
  }

  /// Whether the file stores values of run time in few bits, as with quantise–dequantise pairs.
  private static func storesActivations(_ graph: Graph) -> Bool {
    let users = graph.usersByValue()
    let stored = graph.valueIDs.filter { isLayerOperand($0, graph, users) }
    guard !stored.isEmpty else { return false }
    let weights = weights(graph)
    return !stored.allSatisfy(weights.contains)
  }

  /// True for stored numbers that layers read; caches and tables in few bits do not say in which format layers run.
  private static func isLayerOperand(_ value: ValueID, _ graph: Graph, _ users: [[NodeID]]) -> Bool {
    guard graph.tensorType(value)?.encoding.quantization != nil else { return false }
    return users[value.index].isEmpty
      || users[value.index].contains { !(graph[$0].operation is any CachedAttention || graph[$0].operation is Gather) }
  }

  /// Values that only constants make: dequantised, looked up in tables, transposed.
  private static func weights(_ graph: Graph) -> Set<ValueID> {
    var result = Set(graph.valueIDs.filter { graph.isConstant($0) })
    for id in graph.topologicalOrder() ?? [] {
      let inputs = graph[id].inputs.compactMap { $0 }
      if !inputs.isEmpty, inputs.allSatisfy(result.contains) { result.formUnion(graph[id].outputs) }
    }
    return result
  }
}
