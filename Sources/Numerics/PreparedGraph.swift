package import Basic
package import IR

/// A graph made ready to run many times: the order, the opened constants, everything that follows from constants alone,
/// and the last reader of every value are found once.
///
///     let prepared = try PreparedGraph(graph)
///     for image in images { try prepared.run([image], observing: watched) { value, tensor in … } }
package struct PreparedGraph: Sendable {
  package let graph: Graph
  private let evaluator: Evaluator
  fileprivate let steps: [Step]
  /// Constants, and results of nodes that read nothing else, by value.
  private let fixed: [Datum?]
  /// How often each value is read in one run; a graph output counts once more.
  private let readers: [Int]

  /// One node that depends on the inputs.
  fileprivate struct Step: Sendable {
    let id: NodeID
    let node: Node
    let seed: UInt64
    let regions: [PreparedGraph]
  }

  /// A run that stopped between two nodes: the values that are still needed.
  package struct Checkpoint: Sendable {
    fileprivate var position = 0
    fileprivate var values: [Datum?]
    fileprivate var left: [Int]

    /// A result, or an input of the graph, that is there and still needed.
    package subscript(value: ValueID) -> Datum? { values.indices.contains(value.index) ? values[value.index] : nil }
  }

  /// The outputs of a run and the values that were asked for besides.
  package struct Results: Sendable {
    package var outputs: [Datum]
    package var captured: [ValueID: Datum]
  }

  package init(_ graph: Graph, _ evaluator: Evaluator = Evaluator()) throws(Failure) {
    do throws(OperatorError) { try self.init(graph, evaluator, seed: evaluator.seed) } catch {
      throw Failure("\(graph.name): \(error)")
    }
  }

  /// The graph's outputs for its inputs, in the order of `graph.inputs`; nil stands for an absent optional input.
  package func run(_ inputs: [Datum?]) throws(Failure) -> [Datum] { try run(inputs, observing: []) { _, _ in } }

  /// As `run`, and keeps the given values as well.
  package func run(_ inputs: [Datum?], capturing values: Set<ValueID>) throws(Failure) -> Results {
    var captured: [ValueID: Datum] = [:]
    let outputs = try run(inputs, observing: values) { captured[$0] = $1 }
    return Results(outputs: outputs, captured: captured)
  }

  /// As `run`, and shows each of the given values once, as soon as it is known; nothing is kept for it.
  ///
  /// - Parameter values: values of this graph; nil for every result of a node.
  package func run(
    _ inputs: [Datum?], observing values: Set<ValueID>?, _ observe: (ValueID, Datum) -> Void
  ) throws(Failure) -> [Datum] {
    if let values {
      for id in values.sorted(by: { $0.index < $1.index }) where fixed.indices.contains(id.index) {
        if let datum = fixed[id.index] { observe(id, datum) }
      }
      for (id, datum) in zip(graph.inputs, inputs) where values.contains(id) { if let datum { observe(id, datum) } }
    }
    do throws(OperatorError) {
      return try evaluate(inputs) { id, datum in
        if values?.contains(id) ?? true { observe(id, datum) }
        return datum
      }
    } catch {
      throw Failure("\(graph.name): \(error)")
    }
  }

  /// As `run`; what the nodes compute is passed on as `replace` gives it back.
  package func run(_ inputs: [Datum?], replacing replace: (ValueID, Datum) -> Datum) throws(Failure) -> [Datum] {
    do throws(OperatorError) { return try evaluate(inputs, replace) } catch { throw Failure("\(graph.name): \(error)") }
  }
}

// MARK: Running in parts

extension PreparedGraph {
  /// A run before its first node.
  package func checkpoint(_ inputs: [Datum?]) throws(Failure) -> Checkpoint {
    do throws(OperatorError) { return try begin(inputs) } catch { throw Failure("\(graph.name): \(error)") }
  }

  /// Where in the order of a run a node stands; nil for one that follows from constants alone.
  package func position(of node: NodeID) -> Int? { steps.firstIndex { $0.id == node } }

  /// Runs on to the node at a position, which stays for later.
  package func advance(_ checkpoint: inout Checkpoint, to position: Int) throws(Failure) {
    do throws(OperatorError) { try advance(&checkpoint, to: position, [:]) { $1 } } catch { throw Failure("\(graph.name): \(error)") }
  }

  /// The outputs when all that is left runs with other values: of constants, or of results that are there and still needed.
  package func finish(_ checkpoint: Checkpoint, with constants: [ValueID: Datum] = [:]) throws(Failure) -> [Datum] {
    var state = checkpoint
    for (id, datum) in constants where state.values.indices.contains(id.index) && state.values[id.index] != nil {
      state.values[id.index] = datum
    }
    do throws(OperatorError) {
      try advance(&state, to: steps.count, constants) { $1 }
      return try outputs(state)
    } catch { throw Failure("\(graph.name): \(error)") }
  }
}

// MARK: Preparation

extension PreparedGraph {
  fileprivate init(_ graph: Graph, _ evaluator: Evaluator, seed: UInt64) throws(OperatorError) {
    guard let order = graph.topologicalOrder() else { throw OperatorError("acyclic", "the nodes form a cycle") }
    let count = (graph.valueIDs.last?.index ?? -1) + 1
    var readers = [Int](repeating: 0, count: count)
    for id in order { for case let input? in graph[id].inputs { readers[input.index] += 1 } }
    var known = [Datum?](repeating: nil, count: count)
    for id in graph.valueIDs where readers[id.index] > 0 || graph.outputs.contains(id) {
      known[id.index] = try PreparedGraph.open(graph[id], seed: SeededInputs.mix(seed, UInt64(id.index)))
    }
    var steps: [Step] = []
    for id in order {
      let step = try Step(id, graph[id], evaluator, seed: SeededInputs.mix(seed, UInt64(id.index)))
      if let results = step.results(from: known, evaluator) {
        for (output, result) in zip(step.node.outputs, results) { known[output.index] = result }
        // What only computed nodes read is not needed any more.
        for case let input? in step.node.inputs {
          readers[input.index] -= 1
          if readers[input.index] == 0, !graph.outputs.contains(input) { known[input.index] = nil }
        }
      } else {
        steps.append(step)
      }
    }
    for output in graph.outputs { readers[output.index] += 1 }
    (self.graph, self.evaluator, self.steps) = (graph, evaluator, steps)
    (fixed, self.readers) = (known, readers)
  }

  /// The elements of a constant; nil for any other value.
  private static func open(_ value: Value, seed: UInt64) throws(OperatorError) -> Datum? {
    guard let constant = value.constant else { return nil }
    if case .absent = constant.payload {
      return .tensor(SeededInputs.tensor(constant.type, seed: seed, isWeight: true))
    }
    guard let tensor = Tensor(constant) else {
      throw OperatorError(
        "constant-type", "constant '\(value.name)' of type \(constant.type.element.rawValue) cannot be opened")
    }
    return .tensor(tensor)
  }
}

extension PreparedGraph.Step {
  fileprivate init(_ id: NodeID, _ node: Node, _ evaluator: Evaluator, seed: UInt64) throws(OperatorError) {
    self.id = id
    self.node = node
    self.seed = seed
    var regions: [PreparedGraph] = []
    for region in node.regions {
      do throws(OperatorError) { regions.append(try PreparedGraph(region, evaluator, seed: seed)) } catch {
        throw error.inside(node)
      }
    }
    self.regions = regions
  }

  /// The results when they are the same in every run; nil otherwise, also when the node fails: a run will say so.
  fileprivate func results(from known: [Datum?], _ evaluator: Evaluator) -> [Datum]? {
    guard !node.operation.isNondeterministic, node.regions.isEmpty,
      node.inputs.allSatisfy({ $0.map { known[$0.index] != nil } ?? true })
    else { return nil }
    return try? evaluate(node.inputs.map { $0.flatMap { known[$0.index] } }, evaluator)
  }
}

// MARK: Running

extension PreparedGraph {
  /// - Parameter pass: told every result; what it gives back is what later nodes read.
  private func evaluate(_ inputs: [Datum?], _ pass: (ValueID, Datum) -> Datum) throws(OperatorError) -> [Datum] {
    var state = try begin(inputs)
    try advance(&state, to: steps.count, [:], pass)
    return try outputs(state)
  }

  private func begin(_ inputs: [Datum?]) throws(OperatorError) -> Checkpoint {
    guard inputs.count == graph.inputs.count else {
      throw OperatorError("input-count", "the graph has \(graph.inputs.count) inputs, not \(inputs.count)")
    }
    var state = Checkpoint(values: [Datum?](repeating: nil, count: readers.count), left: readers)
    for (id, datum) in zip(graph.inputs, inputs) where readers[id.index] > 0 { state.values[id.index] = datum }
    return state
  }

  private func advance(
    _ state: inout Checkpoint, to end: Int, _ constants: [ValueID: Datum], _ pass: (ValueID, Datum) -> Datum
  ) throws(OperatorError) {
    while state.position < end {
      let step = steps[state.position]
      let operands = step.node.inputs.map { input in
        input.flatMap { state.values[$0.index] ?? (constants.isEmpty ? nil : constants[$0]) ?? fixed[$0.index] }
      }
      for case let input? in step.node.inputs {
        state.left[input.index] -= 1
        if state.left[input.index] == 0 { state.values[input.index] = nil }
      }
      let results = try step.evaluate(operands, evaluator)
      for (output, result) in zip(step.node.outputs, results) {
        let passed = pass(output, result)
        if state.left[output.index] > 0 { state.values[output.index] = passed }
      }
      state.position += 1
    }
  }

  private func outputs(_ state: Checkpoint) throws(OperatorError) -> [Datum] {
    var results: [Datum] = []
    for output in graph.outputs {
      guard let result = state.values[output.index] ?? fixed[output.index] else {
        throw OperatorError("missing-output", "output '\(graph[output].name)' was not computed")
      }
      results.append(result)
    }
    return results
  }
}

extension PreparedGraph.Step {
  fileprivate func evaluate(_ inputs: [Datum?], _ evaluator: Evaluator) throws(OperatorError) -> [Datum] {
    var context = EvaluationContext(outputCount: node.outputs.count, seed: seed)
    context.kernels = evaluator.path == .fast ? FastKernels(threads: evaluator.threads) : nil
    if !regions.isEmpty {
      let regions = regions
      context.runRegion = { (index, data) throws(OperatorError) -> [Datum] in
        guard regions.indices.contains(index) else {
          throw OperatorError("region-index", "there is no region \(index)")
        }
        return try regions[index].evaluate(data) { $1 }
      }
    }
    let results: [Datum]
    do throws(OperatorError) { results = try node.operation.evaluate(inputs, context) } catch {
      throw error.inside(node)
    }
    guard results.count >= node.outputs.count else {
      throw OperatorError("output-count", "evaluation gave \(results.count) of \(node.outputs.count) outputs")
        .inside(node)
    }
    return results
  }
}

extension OperatorError {
  /// The same error with the innermost node it happened in.
  fileprivate func inside(_ node: Node) -> OperatorError {
    OperatorError(label, message.hasPrefix("node '") ? message : "node '\(node.name)': \(message)")
  }
}
