internal import Basic
internal import IR
internal import Ops

/// Evaluates nodes whose inputs are all constants, and integer shape arithmetic that follows from types.
///
/// Before `%2 = shape(%x)`, `%3 = gather(%2, 0)`; after a constant. In a structural run, results of more than
/// `structuralLimit` elements become constants without values: a prediction needs their type only. Stored weights stay as they
/// are stored: `dequantize` of a constant is not folded for readers that are computed at run time.
let foldConstants = GraphPass(
  "fold-constants", "Evaluates what is known at compile time: constant subgraphs and shape arithmetic.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  var contents: [ValueID: ShapeContents] = [:]
  for id in rewriter.graph.topologicalOrder() ?? [] {
    let node = rewriter.graph[id]
    guard node.regions.isEmpty, !node.operation.isNondeterministic else { continue }
    let inference = rewriter.graph.inferenceContext(
      inputs: node.inputs, outputCount: node.outputs.count, nodeName: node.name
    ) { contents[$0] }
    for (output, known) in zip(node.outputs, node.operation.inferContents(inference)) where known != nil { contents[output] = known }
    guard !standsForStoredWeights(id, rewriter), let constants = foldedOutputs(of: node, rewriter.graph, contents, context.values)
    else { continue }
    for (output, constant) in zip(node.outputs, constants) {
      let name = rewriter.graph[output].name
      rewriter.replaceUses(of: output, with: rewriter.addConstant(constant, name: name))
    }
    rewriter.erase(id, reason: "computed at compile time")
    context.count("constant")
  }
  rewriter.eraseDeadConstants()
}

/// Above this many elements a structural run keeps only the type.
private let structuralLimit = 4096
/// Above this many elements nothing is folded: it would make the model larger than the file.
private let exactLimit = 1 << 28

/// Real numbers of weights that machines should read in the stored format.
private func standsForStoredWeights(_ id: NodeID, _ rewriter: borrowing Rewriter) -> Bool {
  let graph = rewriter.graph
  guard graph[id].operation is Dequantize, let output = graph[id].outputs.first, !rewriter.isGraphOutput(output) else { return false }
  return rewriter.users(of: output).allSatisfy { reader in graph[reader].inputs.contains { $0 != nil && !graph.isConstant($0) } }
}

private func foldedOutputs(
  of node: Node, _ graph: Graph, _ contents: [ValueID: ShapeContents], _ values: PassContext.Values
) -> [Constant]? {
  if let known = contentsConstants(of: node, graph, contents) { return known }
  let constants = node.inputs.map { graph.constant($0) }
  guard zip(node.inputs, constants).allSatisfy({ $0 == nil || $1 != nil }) else { return nil }
  let types = node.outputs.compactMap { graph.tensorType($0) }
  let counts = types.compactMap(\.elementCount)
  guard counts.count == node.outputs.count, let largest = counts.max(), largest <= exactLimit else { return nil }
  let inputsAbsent = constants.contains { $0?.payload == .absent }
  if values == .structural, largest > structuralLimit || inputsAbsent {
    return types.map { Constant($0, .absent) }
  }
  guard !inputsAbsent else { return nil }
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
  return tensors.count == node.outputs.count ? tensors.map { Constant($0) } : nil
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
