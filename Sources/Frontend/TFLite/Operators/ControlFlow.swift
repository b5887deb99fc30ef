internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  /// Operators whose bodies are subgraphs. Subgraphs see nothing but their arguments.
  static let controlFlow: [TFLiteMapping] = [
    TFLiteMapping(
      118, "IF",
      results: { (node) throws(Failure) in
        var arguments: [ValueID] = []
        for index in 1..<max(1, node.inputCount) { arguments.append(try node.stored(index)) }
        var regions: [Graph] = []
        for slot in 0..<2 {
          let region = try TFLiteBuilder(regionOf: node)
          let inputs = region.inputs(like: arguments, of: node)
          regions.append(region.finished(try region.inline(try node.option(slot), inputs)))
        }
        return try node.builder.emit(
          If(), [try node.condition(try node.stored(0))] + arguments, name: node.name, origin: Origin([node.builder.owner ?? node.name]),
          outputs: node.outputCount, node: node, regions: regions)
      }),
    TFLiteMapping(
      119, "WHILE",
      results: { (node) throws(Failure) in
        var carried: [ValueID] = []
        for index in 0..<node.inputCount { carried.append(try node.stored(index)) }
        let (test, body) = (try node.option(0), try node.option(1))
        let first = try node.condition(try node.builder.inline(test, carried).first)
        // One trip: the body, then the condition for the next.
        let region = try TFLiteBuilder(regionOf: node)
        _ = region.rewriter.addInput(.tensor(TensorType(.int64, [Int]())), name: "\(node.name)/trip")
        _ = region.rewriter.addInput(.tensor(TensorType(.bool, [Int]())), name: "\(node.name)/goes-on")
        let results = try region.inline(body, region.inputs(like: carried, of: node))
        let inner = TFLiteNode(builder: region, scope: node.scope, message: node.message, name: node.name, type: node.type)
        let next = try inner.condition(try region.inline(test, results).first)
        return try node.builder.emit(
          While(carried: carried.count), [nil, first] + carried, name: node.name, origin: Origin([node.builder.owner ?? node.name]),
          outputs: node.outputCount, node: node, regions: [region.finished([next] + results)])
      }),
  ]
}

extension TFLiteBuilder {
  /// Inputs of a region with the types of outer values.
  fileprivate func inputs(like values: [ValueID], of node: TFLiteNode) -> [ValueID] {
    values.map { value in
      let outer = node.builder.rewriter.graph[value]
      return rewriter.addInput(outer.type, name: outer.name)
    }
  }

  fileprivate func finished(_ results: [ValueID]) -> Graph {
    rewriter.setOutputs(results)
    return rewriter.graph
  }
}

extension TFLiteNode {
  /// A truth value without axes, however the file shapes it.
  fileprivate func condition(_ value: ValueID?) throws(Failure) -> ValueID {
    guard let value else { throw failure("the condition has no result") }
    return try tensorType(value).rank == 0 ? value : try add(Reshape(), [value, constant([])], "condition")
  }
}
