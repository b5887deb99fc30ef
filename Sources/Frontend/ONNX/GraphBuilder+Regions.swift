internal import Basic
internal import IR
internal import Ops

extension GraphBuilder {
  /// Closed regions of a node and the outer values that all of them take after their own inputs.
  struct Regions {
    var graphs: [Graph] = []
    var captures: [ValueID] = []
    /// Why a region's types do not fit at the extents of the graph, by attribute; it is then built for open extents.
    var untyped: [String: String] = [:]
  }

  /// Builds the subgraphs among a node's attributes. Outer constants are copied in; other outer values become captures.
  func regions(
    _ attributes: [AttributeMessage], of node: NodeMessage, name: String, inputs: [ValueID?], scope: Scope
  ) throws(Failure) -> Regions {
    var messages: [(label: String, graph: GraphMessage)] = []
    for attribute in attributes {
      if case .graph(let graph) = attribute.value { messages.append((attribute.name, graph)) }
    }
    var result = Regions()
    guard !messages.isEmpty else { return result }
    var captured: [(name: String, value: ValueID)] = []
    for free in messages.flatMap(\.graph.freeNames) where !captured.contains(where: { $0.name == free }) {
      guard let value = try resolve(free, of: name, at: node.offset, scope: scope) else { continue }
      captured.append((free, value))
    }
    let captures = captured.filter { rewriter.graph[$0.value].constant == nil }
    let alternatives = OperatorCatalog.byONNXName[ONNXName(domain: node.domain, node.type)]?.alternatives ?? []
    var failures: [Failure] = []
    for message in messages {
      func built(isOpen: Bool) throws(Failure) -> Graph {
        let builder = GraphBuilder(session: session, name: message.label, openings: openings + (isOpen ? 1 : 0))
        let inner = Scope(opsets: scope.opsets, prefix: "\(name)/", owner: scope.owner ?? name, attributes: scope.attributes)
        for (free, value) in captured {
          if let constant = rewriter.graph[value].constant {
            builder.define(free, builder.rewriter.addConstant(constant, name: free), scope: inner)
          }
        }
        do {
          try builder.buildRegion(
            message.graph, of: node, name: name, inputs: inputs.map { $0.map { rewriter.graph[$0].type } }, scope: inner
          ) {
            for capture in captures { builder.capture(capture, of: self, isOpen: isOpen, node: name, scope: inner) }
          }
        } catch {
          throw error.inside(node: name)
        }
        return builder.finished
      }
      do { result.graphs.append(try built(isOpen: false)) } catch {
        guard alternatives.contains(message.label) else { throw error }
        failures.append(error)
        result.untyped[message.label] = error.diagnostics.first?.message ?? ""
        if openings < Self.openingsLimit, let open = try? built(isOpen: true) { result.graphs.append(open) }
      }
    }
    // One branch that does not fit these extents may never run; what fits no extents is a mistake in the file.
    guard result.graphs.count == messages.count, failures.isEmpty || failures.count < messages.count else {
      throw Failure(failures.flatMap(\.diagnostics))
    }
    result.captures = captures.map(\.value)
    return result
  }

  /// Branches within branches that are built again with open extents; every level may double the work.
  private static let openingsLimit = 2

  /// An outer value as an input, with all that is known about it; open, it keeps only its rank.
  private func capture(_ capture: (name: String, value: ValueID), of outer: GraphBuilder, isOpen: Bool, node: String, scope: Scope) {
    var type = outer.rewriter.graph[capture.value].type
    if isOpen, case .tensor(var tensor) = type {
      tensor.shape = tensor.shape.indices.map { .symbol("\(node).\(capture.name)_d\($0)") }
      type = .tensor(tensor)
    }
    let id = rewriter.addInput(type, name: capture.name)
    define(capture.name, id, scope: scope)
    if !isOpen { known.copy(capture.value, to: id, from: outer.known) }
  }

  private func buildRegion(
    _ graph: GraphMessage, of node: NodeMessage, name: String, inputs: [ValueType?], scope: Scope, captures: () -> Void
  ) throws(Failure) {
    scope.declare(graph.valueInfo)
    scope.declare(graph.outputs)
    try addConstants(graph, scope: scope)
    for (index, input) in graph.inputs.enumerated() where scope.values[input.name] == nil {
      var type: ValueType?
      if let declared = input.type {
        type = try valueType(declared, of: "subgraph input '\(input.name)'", at: input.offset) { extent, axis in
          self.regionExtent(extent, node: name, input: input.name, axis: axis)
        }
      }
      // Without a declared rank, what the node passes in at this place is the best guess there is.
      let passed = index < inputs.count ? inputs[index] : nil
      if case .unranked? = type, let passed, case .tensor = passed { type = passed }
      guard let known = type ?? passed else {
        throw Failure("subgraph input '\(input.name)' has no type", at: session.location(input.offset))
      }
      define(input.name, rewriter.addInput(known, name: input.name), scope: scope)
    }
    captures()
    try emit(graph.nodes, scope: scope)
    try setOutputs(graph, scope: scope)
  }

  private func regionExtent(_ extent: TypeMessage.Extent, node: String, input: String, axis: Int) -> Dimension {
    switch extent {
    case .number(let number): .constant(number)
    case .named(let symbol) where session.extents.symbols.contains(symbol): session.extents.bound(.symbol(symbol))
    case .named, .unknown: session.extents.bound(.symbol("\(node).\(input)_d\(axis)"))
    }
  }
}
