internal import Basic
internal import IR
internal import Ops

/// Evaluates nodes whose inputs are all constants, and integer shape arithmetic that follows from types.
///
/// Before `%2 = shape(%x)`, `%3 = gather(%2, 0)`; after a constant. In a structural run, what is
/// computed from large tensors becomes a constant without values: a prediction needs its type only. Stored weights
/// stay as they are stored: `dequantize` of a constant is not folded for readers that are computed at run time, and real
/// numbers made by `cast`, `sub`, `mul` of stored integers keep that storage as the encoding of the result.
let foldConstants = GraphPass(
  "fold-constants", "Evaluates what is known at compile time: constant subgraphs and shape arithmetic.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  var contents: [ValueID: ShapeContents] = [:]
  var folding = Folding(values: context.values)
  for id in rewriter.executionOrder() {
    let node = rewriter.graph[id]
    guard node.regions.isEmpty, !node.operation.isNondeterministic else { continue }
    let mayHaveContents = rewriter.graph.mayHaveContents(node, contents)
    if !mayHaveContents, node.inputs.contains(where: { $0.map { rewriter.isMade($0) } ?? false }) { continue }
    if mayHaveContents {
      let inference = rewriter.graph.inferenceContext(
        inputs: node.inputs, outputCount: node.outputs.count, nodeName: node.name
      ) { contents[$0] }
      for (output, known) in zip(node.outputs, node.operation.inferContents(inference)) where known != nil { contents[output] = known }
    }
    guard !standsForStoredWeights(id, rewriter), !repeatsMask(id, rewriter),
      let constants = folding.outputs(of: node, rewriter.graph, contents)
    else { continue }
    for (output, constant) in zip(node.outputs, constants) {
      let name = rewriter.graph[output].name
      let value = rewriter.addConstant(constant, name: name)
      folding.record(value, replacing: output)
      rewriter.replaceUses(of: output, with: value)
    }
    rewriter.erase(id, reason: "computed at compile time")
    context.count("constant")
  }
  rewriter.eraseDeadConstants()
}

extension Graph {
  /// False for nodes that only deal with real numbers: most, and inference need not look at their contents.
  fileprivate func mayHaveContents(_ node: Node, _ contents: [ValueID: ShapeContents]) -> Bool {
    func isInteger(_ value: ValueID?) -> Bool {
      guard let value, let element = self[value].element else { return value != nil }
      return element == .int64 || element == .int32
    }
    return node.outputs.contains(where: isInteger) || node.inputs.contains(where: isInteger)
      || node.inputs.contains { value in value.map { contents[$0] != nil } ?? false }
  }
}

/// Real numbers of weights that machines should read in the stored format.
private func standsForStoredWeights(_ id: NodeID, _ rewriter: borrowing Rewriter) -> Bool {
  let graph = rewriter.graph
  guard graph[id].operation is Dequantize, let output = graph[id].outputs.first, !rewriter.isGraphOutput(output) else { return false }
  return rewriter.users(of: output).allSatisfy { reader in graph[reader].inputs.contains { $0 != nil && !graph.isConstant($0) } }
}

/// A mask that attention takes for every image alike: repeated for all of them it would be many times what is stored.
private func repeatsMask(_ id: NodeID, _ rewriter: borrowing Rewriter) -> Bool {
  let graph = rewriter.graph
  guard graph[id].operation is Expand, let input = graph.tensorType(graph[id].inputs[0])?.elementCount,
    let output = graph.tensorType(graph[id].outputs[0])?.elementCount, output > Folding.structuralLimit, output > input
  else { return false }
  func isMask(_ value: ValueID, depth: Int) -> Bool {
    let readers = rewriter.users(of: value)
    return !readers.isEmpty && !rewriter.isGraphOutput(value)
      && readers.allSatisfy { reader in
        let node = graph[reader]
        if node.operation is ScaledDotProductAttention { return node.inputs.firstIndex(of: value) == 3 }
        return depth < 2 && node.operation is Reshape && isMask(node.outputs[0], depth: depth + 1)
      }
  }
  return isMask(graph[id].outputs[0], depth: 0)
}

/// Decides what is computed and what only keeps its type.
private struct Folding {
  let values: PassContext.Values
  /// Constants that were computed here from small ones: tables of positions and masks, never weights.
  private var derived: Set<ValueID> = []
  private var storage = StorageTracker()
  private var latest: (isDerived: Bool, storage: [StorageTracker.Storage?]) = (false, [])
  private var position = 0

  /// Above this many elements of an input a structural run keeps only the type …
  static let structuralLimit = 4096
  /// … unless the input was computed from small ones: then this limit holds.
  private static let derivedLimit = 1 << 24
  /// Above this many elements nothing is folded: it would make the model larger than the file.
  private static let exactLimit = 1 << 28

  init(values: PassContext.Values) { self.values = values }

  /// The constants that a node's outputs are, nil when they depend on the run.
  mutating func outputs(of node: Node, _ graph: Graph, _ contents: [ValueID: ShapeContents]) -> [Constant]? {
    position = 0
    latest = (true, [])
    if let known = contentsConstants(of: node, graph, contents) { return known }
    let constants = node.inputs.map { graph.constant($0) }
    guard zip(node.inputs, constants).allSatisfy({ $0 == nil || $1 != nil }) else { return nil }
    let types = node.outputs.compactMap { graph.tensorType($0) }
    let counts = types.compactMap(\.elementCount)
    guard counts.count == node.outputs.count, let largest = counts.max(), largest <= Self.exactLimit else { return nil }
    latest.storage = storage.storage(of: node, graph)
    var encoded = types
    for (index, known) in latest.storage.enumerated() where index < encoded.count {
      if let known { encoded[index] = known.encoded(encoded[index]) }
    }
    let isAbsent = constants.contains { $0?.payload == .absent }
    latest.isDerived = isSmall(node, graph, largest)
    if values == .structural, isAbsent || !latest.isDerived { return encoded.map { Constant($0, .absent) } }
    guard !isAbsent, let tensors = evaluated(node, constants) else { return nil }
    var result: [Constant] = []
    for (tensor, type) in zip(tensors, encoded) {
      var constant = Constant(tensor)
      constant.type.encoding = type.encoding
      result.append(constant)
    }
    return result
  }

  /// Remembers where a folded output went; outputs come in order.
  mutating func record(_ value: ValueID, replacing output: ValueID) {
    if latest.isDerived { derived.insert(value) }
    if position < latest.storage.count, let known = latest.storage[position] { storage.record(known, of: value) }
    position += 1
  }

  private func isSmall(_ node: Node, _ graph: Graph, _ largest: Int) -> Bool {
    if largest > Self.derivedLimit { return false }
    return node.inputs.allSatisfy { input in
      guard let input else { return true }
      return derived.contains(input) || (graph.tensorType(input)?.elementCount ?? .max) <= Self.structuralLimit
    }
  }

  private func evaluated(_ node: Node, _ constants: [Constant?]) -> [Tensor]? {
    // An operator without inputs (a random one is excluded above) and one with constants are evaluated alike.
    var data: [Datum?] = []
    for constant in constants {
      guard let constant else {
        data.append(nil)
        continue
      }
      guard let tensor = Tensor(constant) else { return nil }
      data.append(.tensor(tensor))
    }
    guard let results = try? node.operation.evaluate(data, EvaluationContext(outputCount: node.outputs.count)) else { return nil }
    let tensors = results.compactMap(\.tensor)
    return tensors.count == node.outputs.count ? tensors : nil
  }
}

/// Constants for outputs whose contents inference knows to be numbers.
private func contentsConstants(of node: Node, _ graph: Graph, _ contents: [ValueID: ShapeContents]) -> [Constant]? {
  var result: [Constant] = []
  for output in node.outputs {
    guard let type = graph.tensorType(output), type.element == .int64 || type.element == .int32, let shape = type.constantShape,
      let numbers = contents[output]?.compactMap(\.constant), numbers.count == contents[output]?.count,
      numbers.count == shape.reduce(1, *)
    else { return nil }
    result.append(Constant(Tensor(type.element, shape, saturating: numbers.map(Int64.init))))
  }
  return result.isEmpty ? nil : result
}
