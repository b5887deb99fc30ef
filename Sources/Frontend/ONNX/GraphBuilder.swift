internal import Basic
internal import IR
internal import Ops

/// Builds one graph (the model's or a region's) node by node, inferring types as it goes.
final class GraphBuilder {
  let session: ImportSession
  var rewriter: Rewriter
  /// What is known of small values.
  var known = KnownContents()
  /// Source nodes in file order.
  var sourceNames: [String] = []
  /// Nodes in the graph so far.
  var emitted = 0
  private var nodeNames: Set<String> = []
  private var madeUp: [String: Int] = [:]
  /// How many regions around this one were built again with the extents of their captures left open.
  let openings: Int

  init(session: ImportSession, name: String, openings: Int = 0) {
    self.session = session
    self.openings = openings
    rewriter = Rewriter(Graph(name: name))
  }

  var finished: Graph { rewriter.graph }

  /// Inputs, initializers, nodes, outputs.
  func build(_ graph: GraphMessage, scope: Scope) throws(Failure) {
    scope.declare(graph.valueInfo)
    scope.declare(graph.outputs)
    try addConstants(graph, scope: scope)
    for input in graph.inputs where scope.values[input.name] == nil {
      let value = try addInput(input)
      // A bound scalar stays an input of the graph, which nobody reads any more.
      let bound = session.extents.scalars[input.name].flatMap { Constant(scalar: $0, like: rewriter.graph[value].type) }
      define(input.name, bound.map { rewriter.addConstant($0, name: input.name) } ?? value, scope: scope)
    }
    try emit(graph.nodes, scope: scope)
    try setOutputs(graph, scope: scope)
    for (output, value) in zip(graph.outputs, rewriter.graph.outputs) { setDeclaredRank(of: value, output) }
  }

  /// Where nothing else tells how many axes a result has, the file does.
  private func setDeclaredRank(of value: ValueID, _ output: ValueInfoMessage) {
    guard case .unranked(let element) = rewriter.graph[value].type, case .tensor(_, let shape?)? = output.type else { return }
    let extents = shape.enumerated().map { axis, extent -> Dimension in
      switch extent {
      case .number(let number): .constant(number)
      case .named(let name): session.extents.bound(.symbol(name))
      case .unknown: .symbol("\(output.name)_d\(axis)")
      }
    }
    rewriter.setType(.tensor(TensorType(element, extents)), of: value)
  }

  func setOutputs(_ graph: GraphMessage, scope: Scope) throws(Failure) {
    var outputs: [ValueID] = []
    for output in graph.outputs {
      guard let value = scope.values[output.name] ?? nil else {
        throw Failure(
          "graph output '\(output.name)' is computed by no node", at: session.location(output.offset))
      }
      try checkElement(of: value, against: output)
      outputs.append(value)
    }
    rewriter.setOutputs(outputs)
    rewriter.decodeOutputs()
  }

  func addConstants(_ graph: GraphMessage, scope: Scope) throws(Failure) {
    for tensor in graph.initializers {
      try checkNew(tensor.name, scope: scope, at: tensor.offset)
      define(tensor.name, rewriter.addConstant(try session.decoder.constant(tensor), name: tensor.name), scope: scope)
    }
    for sparse in graph.sparseInitializers {
      let name = sparse.values.name
      try checkNew(name, scope: scope, at: sparse.offset)
      define(name, rewriter.addConstant(try session.decoder.constant(sparse), name: name), scope: scope)
    }
  }

  private func addInput(_ info: ValueInfoMessage) throws(Failure) -> ValueID {
    guard let declared = info.type else {
      throw Failure("graph input '\(info.name)' has no type", at: session.location(info.offset))
    }
    let type = try valueType(declared, of: "graph input '\(info.name)'", at: info.offset) { extent, axis in
      self.session.extents.dimension(extent, of: info.name, axis: axis)
    }
    return rewriter.addInput(type, name: info.name)
  }

  func define(_ name: String, _ value: ValueID?, scope: Scope) { scope.values[name] = .some(value) }

  /// Every name is written once.
  func checkNew(_ name: String, scope: Scope, at offset: Int) throws(Failure) {
    guard scope.values[name] == nil else {
      throw Failure("malformed model: value '\(name)' is defined twice", at: session.location(offset))
    }
  }

  func checkElement(of value: ValueID, against info: ValueInfoMessage) throws(Failure) {
    guard case .tensor(let number, _)? = info.type, let declared = ElementType(onnxCode: number),
      let actual = rewriter.graph[value].type.tensor?.element, actual != declared
    else { return }
    throw Failure(
      "output '\(info.name)' is declared \(declared.rawValue) but computed as \(actual.rawValue)",
      at: session.location(info.offset))
  }

  /// A name for a node that no other node has: its own if possible.
  func uniqueName(_ node: NodeMessage, scope: Scope) -> String {
    let own = scope.prefix + node.name
    if !node.name.isEmpty, nodeNames.insert(own).inserted { return own }
    var index = madeUp[node.type] ?? 0
    while !nodeNames.insert("\(scope.prefix)\(node.type)_\(index)").inserted { index += 1 }
    madeUp[node.type] = index + 1
    return "\(scope.prefix)\(node.type)_\(index)"
  }
}

// MARK: Types

extension GraphBuilder {
  /// A declared type; a tensor without a shape has unknown rank.
  func valueType(
    _ message: TypeMessage, of what: String, at offset: Int, extent: (TypeMessage.Extent, Int) -> Dimension
  ) throws(Failure) -> ValueType {
    switch message {
    case .tensor(let number, let shape):
      guard let element = ElementType(onnxCode: number) else {
        throw Failure("\(what) has unknown element type \(number)", at: session.location(offset))
      }
      guard let shape else { return .unranked(element) }
      var dimensions: [Dimension] = []
      for (axis, item) in shape.enumerated() { dimensions.append(extent(item, axis)) }
      return .tensor(TensorType(element, dimensions))
    case .sequence(let inner): return .sequence(try valueType(inner, of: what, at: offset, extent: extent))
    case .optional(let inner): return .optional(try valueType(inner, of: what, at: offset, extent: extent))
    case .unsupported(let kind): throw Failure("\(what) has \(kind)", at: session.location(offset))
    }
  }

  /// An inferred type with the user's extents, and with the declared number wherever only the data could tell.
  func refined(_ inferred: ValueType, by declared: TypeMessage?) -> ValueType {
    let type = session.extents.bound(inferred)
    switch (type, declared) {
    case (.tensor(var tensor), .tensor(_, let shape?)?) where shape.count == tensor.rank:
      for (axis, extent) in shape.enumerated() {
        guard case .number(let number) = extent, case .symbolic(let expression) = tensor.shape[axis],
          expression.symbols.isDisjoint(with: session.extents.symbols)
        else { continue }
        tensor.shape[axis] = .constant(number)
      }
      return .tensor(tensor)
    case (.unranked(let element), .tensor(_, let shape?)?):
      let known = shape.enumerated().compactMap { axis, extent -> Dimension? in
        switch extent {
        case .number(let number): .constant(number)
        case .named(let name) where session.extents.symbols.contains(name): session.extents.bound(.symbol(name))
        case .named, .unknown: nil
        }
      }
      return known.count == shape.count ? .tensor(TensorType(element, known)) : type
    default: return type
    }
  }
}
