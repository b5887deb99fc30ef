internal import Basic
internal import IR
internal import Ops

extension GraphBuilder {
  /// The region that a node will choose in every run, where its condition follows from constants and extents.
  func decidedBranch(of node: NodeMessage, _ attributes: [AttributeMessage], condition: ValueID?) -> GraphMessage? {
    guard let kind = OperatorCatalog.byONNXName[ONNXName(domain: node.domain, node.type)], kind.alternatives.count == 2, let condition,
      let number = (try? known.tensor(condition, in: rewriter.graph)?.doubles())?.first
    else { return nil }
    let wanted = kind.alternatives[number != 0 ? 0 : 1]
    guard case .graph(let graph)? = attributes.first(where: { $0.name == wanted })?.value, graph.inputs.isEmpty,
      graph.outputs.count >= node.outputs.count, attributes.count == kind.alternatives.count
    else { return nil }
    return graph
  }

  /// Emits a region in place of the node that chooses it; every node of it originates in that node.
  func inline(_ graph: GraphMessage, at node: NodeMessage, name: String, scope: Scope) throws(Failure) {
    let body = Scope(opsets: scope.opsets, prefix: "\(name)/", owner: scope.owner ?? name, attributes: scope.attributes)
    let outer = graph.freeNames
    for free in outer { define(free, try resolve(free, of: name, at: node.offset, scope: scope), scope: body) }
    body.declare(graph.valueInfo)
    body.declare(graph.outputs)
    let before = emitted
    do {
      try addConstants(graph, scope: body)
      try emit(graph.nodes, scope: body)
    } catch {
      throw error.inside(node: name)
    }
    for (output, result) in zip(node.outputs, graph.outputs) where !output.isEmpty {
      guard let value = body.values[result.name] ?? nil else {
        throw session.failure("the branch does not compute '\(result.name)'", node: name, at: result.offset)
      }
      try checkElement(of: value, against: result)
      define(output, value, scope: scope)
      if !outer.contains(result.name) { rewriter.rename(value, to: scope.prefix + output) }
    }
    if scope.owner == nil, emitted == before { rewriter.recordFolded([name], reason: "constant") }
  }
}
