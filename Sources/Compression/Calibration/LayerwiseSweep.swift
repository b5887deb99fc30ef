package import Basic
package import IR
internal import Numerics

/// Walks a graph node by node over all calibration batches, once as it was and once as it is being compressed.
///
/// At every node the visitor sees the inputs of both runs and may replace constants of the compressed one; the node is then
/// evaluated with them, so later layers see what earlier ones have become. Costs two evaluations of the graph, whatever the
/// number of layers, one without the run of the original; holds the values that are alive for all batches. Batches of a node
/// are evaluated side by side.
package struct LayerwiseSweep {
  /// What the visitor may look at.
  package struct Layer {
    package let id: NodeID
    package let node: Node
    /// Inputs of the original graph by batch, constants included; empty when the original is not run.
    package let reference: [[Datum?]]
    /// Inputs of the compressed graph by batch, with its constants.
    package let working: [[Datum?]]

    /// One input of the compressed run over all batches.
    package func workingInput(_ index: Int) -> [Tensor] { working.compactMap { $0[index]?.tensor } }
    /// One input of the original run over all batches.
    package func referenceInput(_ index: Int) -> [Tensor] { reference.compactMap { $0[index]?.tensor } }
  }

  /// Looks at a layer and gives new constants by value ID.
  package typealias Visitor = (Layer) throws(Failure) -> [ValueID: Constant]
  /// What becomes of a value of the compressed run when it is stored, such as rounding to 8 bits.
  package typealias Storing = @Sendable (ValueID, Tensor) -> Tensor
  /// Looks at the results of a layer by batch, may change them, and gives the constants that explain the change.
  package typealias Finisher = (Layer, inout [[Datum]]) throws(Failure) -> [ValueID: Constant]

  private let graph: Graph
  private let original: Graph
  private let batches: [[Datum?]]
  private let storing: Storing
  private let runsOriginal: Bool

  /// - Parameter reference: the graph as it was, when the one to compress lacks nodes or channels of it. Every node of the
  ///   compressed graph is in it under the same ID.
  /// - Parameter runsOriginal: false when the visitor never looks at the inputs of the original.
  package init(
    _ graph: Graph, reference: Graph? = nil, batches: [[Datum?]], runsOriginal: Bool = true,
    storing: @escaping Storing = { _, tensor in tensor }
  ) {
    self.runsOriginal = runsOriginal
    self.graph = graph
    original = reference ?? graph
    self.batches = batches
    self.storing = storing
  }

  /// - Parameter initial: constants of the compressed run that differ already.
  /// - Returns: all constants that differ at the end.
  package func run(
    constants initial: [ValueID: Constant] = [:], progress: (Double) -> Void = { _ in }, visit: Visitor,
    finish: Finisher = { _, _ throws(Failure) in [:] }
  ) throws(Failure) -> [ValueID: Constant] {
    guard let order = original.topologicalOrder() else { throw Failure("\(graph.name): the nodes form a cycle") }
    var changed = initial
    var reference = SweepValues(original, order: order, batches: batches)
    var working = SweepValues(graph, order: order.filter { graph.contains($0) }, batches: batches)
    for input in graph.inputs { working.replace(input) { storing(input, $0) } }
    for (position, id) in order.enumerated() {
      var exactInputs: [[Datum?]] = []
      if runsOriginal {
        exactInputs = try reference.inputs(of: original[id], [:])
        reference.set(original[id], try results(of: original[id], exactInputs))
        reference.release(original[id])
      }
      progress(Double(position + 1) / Double(order.count))
      guard graph.contains(id) else { continue }
      let node = graph[id]
      let layer = Layer(id: id, node: node, reference: exactInputs, working: try working.inputs(of: node, changed))
      let update = try visit(layer)
      changed.merge(update) { $1 }
      let inputs = update.isEmpty ? layer.working : try working.inputs(of: node, changed)
      var found = try results(of: node, inputs)
      changed.merge(try finish(layer, &found)) { $1 }
      working.set(node, try stored(node, found))
      working.release(node)
    }
    return changed
  }

  private func results(of node: Node, _ inputs: [[Datum?]]) throws(Failure) -> [[Datum]] {
    try concurrently(inputs.count) { batch throws(Failure) in try evaluateNode(node, inputs[batch]) }
  }

  private func stored(_ node: Node, _ results: [[Datum]]) throws(Failure) -> [[Datum]] {
    let (outputs, storing) = (node.outputs, storing)
    return try concurrently(results.count) { batch throws(Failure) in
      zip(outputs, results[batch]).map { output, datum in
        guard case .tensor(let tensor) = datum else { return datum }
        return .tensor(storing(output, tensor))
      }
    }
  }
}

/// The outputs of one node for its inputs, with fast inner loops.
package func evaluateNode(_ node: Node, _ inputs: [Datum?]) throws(Failure) -> [Datum] {
  var context = EvaluationContext(outputCount: node.outputs.count)
  context.kernels = FastKernels()
  let regions = node.regions
  context.runRegion = { (index, data) throws(OperatorError) -> [Datum] in
    guard regions.indices.contains(index) else { throw OperatorError("region-index", "there is no region \(index)") }
    do throws(Failure) { return try Evaluator().run(regions[index], inputs: data) } catch {
      throw OperatorError("region", error.diagnostics.first?.message ?? "the region failed")
    }
  }
  do throws(OperatorError) {
    let results = try node.operation.evaluate(inputs, context)
    guard results.count >= node.outputs.count else {
      throw OperatorError("output-count", "evaluation gave \(results.count) of \(node.outputs.count) outputs")
    }
    return results
  } catch { throw Failure("node '\(node.name)': \(error)") }
}

/// Values that are alive, for every batch.
private struct SweepValues {
  private let graph: Graph
  private let batchCount: Int
  private var values: [ValueID: [Datum?]] = [:]
  private var readers: [ValueID: Int] = [:]

  init(_ graph: Graph, order: [NodeID], batches: [[Datum?]]) {
    self.graph = graph
    batchCount = batches.count
    for id in order { for case let input? in graph[id].inputs { readers[input, default: 0] += 1 } }
    for (index, input) in graph.inputs.enumerated() { values[input] = batches.map { $0[index] } }
  }

  /// Inputs of a node by batch; a constant is opened once.
  func inputs(of node: Node, _ changed: [ValueID: Constant]) throws(Failure) -> [[Datum?]] {
    var columns: [[Datum?]] = []
    for input in node.inputs {
      guard let input else {
        columns.append([Datum?](repeating: nil, count: batchCount))
        continue
      }
      if let constant = changed[input] ?? graph[input].constant {
        guard let tensor = Tensor(constant) else {
          throw Failure("the values of '\(graph[input].name)' are not at hand", fix: "compress a model file that holds its weights")
        }
        columns.append([Datum?](repeating: .tensor(tensor), count: batchCount))
      } else {
        columns.append(values[input] ?? [Datum?](repeating: nil, count: batchCount))
      }
    }
    return (0..<batchCount).map { batch in columns.map { $0[batch] } }
  }

  mutating func set(_ node: Node, _ results: [[Datum]]) {
    for (index, output) in node.outputs.enumerated() where readers[output] != nil { values[output] = results.map { $0[index] } }
  }

  mutating func replace(_ value: ValueID, _ body: (Tensor) -> Tensor) {
    guard let data = values[value] else { return }
    values[value] = data.map { datum in
      guard case .tensor(let tensor)? = datum else { return datum }
      return .tensor(body(tensor))
    }
  }

  mutating func release(_ node: Node) {
    for case let input? in node.inputs {
      guard let left = readers[input] else { continue }
      readers[input] = left - 1
      if left == 1 { values[input] = nil }
    }
  }
}
