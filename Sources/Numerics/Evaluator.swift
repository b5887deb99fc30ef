package import Basic
package import IR

/// Runs a graph on the CPU, node by node in execution order, and frees every value after its last reader.
package struct Evaluator: Sendable {
  /// Whose inner loops are used.
  package enum Path: Sendable {
    /// Plain loops in double precision: the oracle.
    case reference
    /// Whole computations in single precision through the linear algebra library and vector loops.
    case fast
  }

  package var path: Path
  /// Seed for random operators and for weights that are not in the file.
  package var seed: UInt64

  package init(path: Path = .fast, seed: UInt64 = 0) {
    self.path = path
    self.seed = seed
  }

  /// The graph's outputs for its inputs, in the order of `graph.inputs`; nil stands for an absent optional input.
  package func run(_ graph: Graph, inputs: [Datum?]) throws(Failure) -> [Datum] {
    do throws(OperatorError) { return try run(graph, inputs, seed: seed) } catch {
      throw Failure("\(graph.name): \(error)")
    }
  }

  package static func run(_ graph: Graph, inputs: [Datum], seed: UInt64 = 0) throws(Failure) -> [Datum] {
    try Evaluator(seed: seed).run(graph, inputs: inputs)
  }

  /// Values that `inspect` sees right after they are computed, for comparisons layer by layer.
  package func run(
    _ graph: Graph, inputs: [Datum?], inspect: @escaping (ValueID, Datum) -> Void
  ) throws(Failure) -> [Datum] {
    do throws(OperatorError) { return try run(graph, inputs, seed: seed, inspect: inspect) } catch {
      throw Failure("\(graph.name): \(error)")
    }
  }

  private func run(
    _ graph: Graph, _ inputs: [Datum?], seed: UInt64, inspect: ((ValueID, Datum) -> Void)? = nil
  ) throws(OperatorError) -> [Datum] {
    guard inputs.count == graph.inputs.count else {
      throw OperatorError("input-count", "the graph has \(graph.inputs.count) inputs, not \(inputs.count)")
    }
    guard let order = graph.topologicalOrder() else { throw OperatorError("acyclic", "the nodes form a cycle") }
    var environment = Environment(graph, order: order, seed: seed)
    for (id, datum) in zip(graph.inputs, inputs) { environment[id] = datum }
    for id in order {
      let node = graph[id]
      do {
        let results = try evaluate(node, id: id, &environment, seed: seed)
        for (output, result) in zip(node.outputs, results) {
          inspect?(output, result)
          environment[output] = result
        }
        environment.release(node.inputs)
      } catch {
        throw OperatorError(
          error.label, error.message.hasPrefix("node '") ? error.message : "node '\(node.name)': \(error.message)")
      }
    }
    var results: [Datum] = []
    for output in graph.outputs {
      guard let result = try environment.value(output) else {
        throw OperatorError("missing-output", "output '\(graph[output].name)' was not computed")
      }
      results.append(result)
    }
    return results
  }

  private func evaluate(
    _ node: Node, id: NodeID, _ environment: inout Environment, seed: UInt64
  ) throws(OperatorError) -> [Datum] {
    var inputs: [Datum?] = []
    for input in node.inputs {
      inputs.append(try input.flatMap { (value) throws(OperatorError) in try environment.value(value) })
    }
    let nodeSeed = SeededInputs.mix(seed, UInt64(id.index))
    var context = EvaluationContext(outputCount: node.outputs.count, seed: nodeSeed)
    context.kernels = path == .fast ? FastKernels() : nil
    let regions = node.regions
    if !regions.isEmpty {
      context.runRegion = { (index, data) throws(OperatorError) -> [Datum] in
        guard regions.indices.contains(index) else {
          throw OperatorError("region-index", "there is no region \(index)")
        }
        return try run(regions[index], data, seed: nodeSeed)
      }
    }
    let results = try node.operation.evaluate(inputs, context)
    guard results.count >= node.outputs.count else {
      throw OperatorError("output-count", "evaluation gave \(results.count) of \(node.outputs.count) outputs")
    }
    return results
  }
}

/// Values that are alive while a graph runs.
private struct Environment {
  private let graph: Graph
  private let seed: UInt64
  private var values: [Datum?]
  /// Readers still to come, by value.
  private var readers: [Int]

  init(_ graph: Graph, order: [NodeID], seed: UInt64) {
    self.graph = graph
    self.seed = seed
    let count = (graph.valueIDs.last?.index ?? -1) + 1
    values = Array(repeating: nil, count: count)
    readers = Array(repeating: 0, count: count)
    for id in order { for case let input? in graph[id].inputs { readers[input.index] += 1 } }
    for output in graph.outputs { readers[output.index] += 1 }
  }

  subscript(id: ValueID) -> Datum? {
    get { values[id.index] }
    set { if readers[id.index] > 0 { values[id.index] = newValue } }
  }

  /// A computed value, or a constant opened for the moment.
  func value(_ id: ValueID) throws(OperatorError) -> Datum? {
    if let value = values[id.index] { return value }
    guard let constant = graph[id].constant else { return nil }
    if case .absent = constant.payload {
      return .tensor(SeededInputs.tensor(constant.type, seed: SeededInputs.mix(seed, UInt64(id.index)), isWeight: true))
    }
    guard let tensor = Tensor(constant) else {
      throw OperatorError(
        "constant-type", "constant '\(graph[id].name)' of type \(constant.type.element.rawValue) cannot be opened")
    }
    return .tensor(tensor)
  }

  mutating func release(_ inputs: [ValueID?]) {
    for case let input? in inputs {
      readers[input.index] -= 1
      if readers[input.index] == 0 { values[input.index] = nil }
    }
  }
}
