internal import Basic
internal import IR
internal import Ops

/// Writes one graph, subgraph or function body.
struct GraphWriter {
  private let session: ExportSession
  /// Domains of the local functions that stand for fused groups and for operators this version of ONNX does not have.
  private static let fusedDomain = "cyclewright.fused"
  private static let operatorDomain = "cyclewright.operators"

  init(_ session: ExportSession) { self.session = session }

  /// GraphProto of a whole model.
  func graph(_ graph: Graph) throws(Failure) -> WireWriter {
    var names = inputNames(graph)
    var writer = WireWriter()
    try addNodes(graph, &names, to: &writer, field: 1)
    writer.string(2, graph.name.isEmpty ? "graph" : graph.name)
    for (id, constant) in constants(graph) { writer.message(5, try tensor(constant, name: names[id] ?? "")) }
    for input in graph.inputs { writer.message(11, try valueInfo(graph, input, names)) }
    let outputs = outputs(graph, names, &writer)
    for (id, name) in zip(graph.outputs, outputs) {
      var renamed = names
      renamed[id] = name
      writer.message(12, try valueInfo(graph, id, renamed))
    }
    return writer
  }

  /// A subgraph: captured values go by their outer names and are no inputs.
  private func subgraph(_ graph: Graph, captures: [String]) throws(Failure) -> WireWriter {
    let own = graph.inputs.count - captures.count
    guard own >= 0 else { throw Failure("region '\(graph.name)' has fewer inputs than captures") }
    var names: [ValueID: String] = [:]
    for input in graph.inputs.prefix(own) { names[input] = session.uniqueValue(graph[input].name) }
    for (input, name) in zip(graph.inputs.dropFirst(own), captures) { names[input] = name }
    for (id, _) in constants(graph) { names[id] = session.uniqueValue(graph[id].name) }
    var writer = WireWriter()
    try addNodes(graph, &names, to: &writer, field: 1)
    writer.string(2, graph.name.isEmpty ? "body" : graph.name)
    for (id, constant) in constants(graph) { writer.message(5, try tensor(constant, name: names[id] ?? "")) }
    for input in graph.inputs.prefix(own) { writer.message(11, try valueInfo(graph, input, names)) }
    let outputs = outputs(graph, names, &writer)
    for (id, name) in zip(graph.outputs, outputs) {
      var renamed = names
      renamed[id] = name
      writer.message(12, try valueInfo(graph, id, renamed))
    }
    return writer
  }

  /// Names of outputs. A value that is no node's result, or stands twice, gets an Identity: ONNX wants a distinct result.
  private func outputs(_ graph: Graph, _ names: [ValueID: String], _ writer: inout WireWriter) -> [String] {
    var seen: Set<ValueID> = []
    return graph.outputs.map { id in
      let name = names[id] ?? ""
      if seen.insert(id).inserted, graph[id].producer != nil { return name }
      let copy = session.uniqueValue(name + "_out")
      var node = WireWriter()
      node.string(1, name)
      node.string(2, copy)
      node.string(4, "Identity")
      writer.message(1, node)
      return copy
    }
  }

  private func inputNames(_ graph: Graph) -> [ValueID: String] {
    var names: [ValueID: String] = [:]
    // Outputs first: users know them, so they keep their names.
    for id in graph.inputs + graph.outputs where names[id] == nil { names[id] = session.uniqueValue(graph[id].name) }
    for (id, _) in constants(graph) where names[id] == nil { names[id] = session.uniqueValue(graph[id].name) }
    return names
  }

  private func constants(_ graph: Graph) -> [(ValueID, Constant)] {
    graph.valueIDs.compactMap { id in graph[id].constant.map { (id, $0) } }
  }

  // MARK: Nodes

  private func addNodes(
    _ graph: Graph, _ names: inout [ValueID: String], to writer: inout WireWriter, field: Int
  ) throws(Failure) {
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      for output in node.outputs where names[output] == nil { names[output] = session.uniqueValue(graph[output].name) }
      writer.message(field, try message(node, graph, names))
    }
  }

  private func message(_ node: Node, _ graph: Graph, _ names: [ValueID: String]) throws(Failure) -> WireWriter {
    if node.operation is FusedGroup {
      guard let body = node.regions.first else { throw Failure("fused group '\(node.name)' has no body") }
      return try call(node, body, GraphWriter.fusedDomain, names)
    }
    var body: Graph?
    var newest = node
    do throws(OperatorError) {
      if let operation = node.operation as? any ONNXDecomposable, operation.needsONNXBody(presentInputs: node.inputs.map { $0 != nil }),
        node.outputs.count == operation.onnxBodyOutputs
      {
        body = try operation.onnxBody(
          graph.inferenceContext(inputs: node.inputs, outputCount: node.outputs.count, nodeName: node.name) { _ in nil })
      }
      if let operation = node.operation as? any ONNXOperator {
        newest = try operation.onnxEquivalent(of: node, in: graph)
      }
    } catch {
      throw Failure("node '\(node.name)' cannot be written: \(error)")
    }
    guard let body else { return try plain(newest, graph, names) }
    return try call(node, body, GraphWriter.operatorDomain, names)
  }

  private func plain(_ node: Node, _ graph: Graph, _ names: [ValueID: String]) throws(Failure) -> WireWriter {
    if let opaque = node.operation as? OpaqueOperator {
      throw Failure("node '\(node.name)': \(opaque.label) is opaque, and its attributes are not kept: write the graph as .cwg")
    }
    guard let operation = node.operation as? any ONNXOperator else {
      throw Failure("node '\(node.name)': ONNX has no operator for \(Swift.type(of: node.operation).name)")
    }
    let spelling = operation.exportONNX()
    session.domains.insert(spelling.name.domain)
    session.requirement.add(spelling, (node.inputs.compactMap { $0 } + node.outputs).map { graph[$0].type })
    let inputs = node.inputs.map { $0.flatMap { names[$0] } ?? "" }
    let own = operation.onnxInputCount ?? inputs.count
    let captures = own < inputs.count ? Array(inputs[own...]) : []
    var writer = WireWriter()
    for input in inputs.prefix(own) { writer.string(1, input) }
    for output in node.outputs { writer.string(2, names[output] ?? "") }
    writer.string(3, node.name)
    writer.string(4, spelling.name.type)
    for (name, value) in spelling.attributes {
      writer.message(5, try attribute(name, value, node, captures: captures))
    }
    if !spelling.name.domain.isEmpty { writer.string(7, spelling.name.domain) }
    return writer
  }

  /// A call of a local function that takes the node's present inputs.
  private func call(
    _ node: Node, _ body: Graph, _ domain: String, _ names: [ValueID: String]
  ) throws(Failure) -> WireWriter {
    let inputs = node.inputs.compactMap { $0 }
    guard body.inputs.count == inputs.count, body.outputs.count == node.outputs.count else {
      throw Failure("the body of node '\(node.name)' does not fit its inputs and outputs")
    }
    let name = session.uniqueFunction(node.name)
    session.domains.insert(domain)
    session.functions.append(try function(body, name: name, domain: domain))
    var writer = WireWriter()
    for input in inputs { writer.string(1, names[input] ?? "") }
    for output in node.outputs { writer.string(2, names[output] ?? "") }
    writer.string(3, node.name)
    writer.string(4, name)
    writer.string(7, domain)
    return writer
  }

  private func function(_ body: Graph, name: String, domain: String) throws(Failure) -> LocalFunction {
    var names: [ValueID: String] = [:]
    for id in body.inputs { names[id] = session.uniqueValue(body[id].name) }
    var nodes = WireWriter()
    // Functions have no initializers: the small constants a body keeps become Constant nodes.
    for (id, constant) in constants(body) {
      let name = session.uniqueValue(body[id].name)
      names[id] = name
      var value = WireWriter()
      value.string(1, "value")
      value.message(5, try tensor(constant, name: name, isInline: true))
      value.integer(20, 4)
      var node = WireWriter()
      node.string(2, name)
      node.string(4, "Constant")
      node.message(5, value)
      nodes.message(7, node)
    }
    try addNodes(body, &names, to: &nodes, field: 7)
    var writer = WireWriter()
    writer.string(1, name)
    for id in body.inputs { writer.string(4, names[id] ?? "") }
    for id in body.outputs { writer.string(5, names[id] ?? "") }
    writer.splice(nodes)
    writer.string(10, domain)
    // Which operator set it imports is known when everything is written.
    return LocalFunction(writer: writer, domains: session.domains.filter { $0 != domain }.sorted())
  }

  // MARK: Attributes, tensors, types

  private func attribute(
    _ name: String, _ value: ONNXAttribute, _ node: Node, captures: [String]
  ) throws(Failure) -> WireWriter {
    var writer = WireWriter()
    writer.string(1, name)
    let kind: Int
    switch value {
    case .float(let number):
      kind = 1
      writer.float(2, number)
    case .integer(let number):
      kind = 2
      writer.integer(3, number)
    case .string(let text):
      kind = 3
      writer.string(4, text)
    case .tensor(let constant):
      kind = 4
      writer.message(5, try tensor(constant, name: name, isInline: true))
    case .region(let index):
      kind = 5
      guard node.regions.indices.contains(index) else { throw Failure("node '\(node.name)' has no region \(index)") }
      writer.message(6, try subgraph(node.regions[index], captures: captures))
    case .floats(let numbers):
      kind = 6
      for number in numbers { writer.float(7, number) }
    case .integers(let numbers):
      kind = 7
      for number in numbers { writer.integer(8, number) }
    case .strings(let texts):
      kind = 8
      for text in texts { writer.string(9, text) }
    case .type(let type):
      kind = 13
      writer.message(14, try self.type(type))
    }
    writer.integer(20, kind)
    return writer
  }

  func tensor(_ constant: Constant, name: String, isInline: Bool = false) throws(Failure) -> WireWriter {
    guard let shape = constant.type.constantShape, let code = constant.type.element.onnxCode else {
      throw Failure("constant '\(name)' of type \(constant.type.element.rawValue) cannot be written")
    }
    var writer = WireWriter()
    for extent in shape { writer.integer(1, extent) }
    writer.integer(2, code)
    writer.string(8, name)
    switch constant.payload {
    case .absent: throw Failure("the values of constant '\(name)' are not in the model")
    case .strings(let strings): for string in strings { writer.string(6, string) }
    case .bytes(let data):
      if !isInline, let limit = session.externalFrom, data.byteCount >= limit {
        let offset = session.addExternal(data)
        for (key, value) in [
          ("location", session.weightFile), ("offset", "\(offset)"), ("length", "\(data.byteCount)"),
        ] {
          var entry = WireWriter()
          entry.string(1, key)
          entry.string(2, value)
          writer.message(13, entry)
        }
        writer.integer(14, 1)
      } else {
        writer.tensor(9, data)
      }
    }
    return writer
  }

  private func valueInfo(_ graph: Graph, _ id: ValueID, _ names: [ValueID: String]) throws(Failure) -> WireWriter {
    var writer = WireWriter()
    writer.string(1, names[id] ?? "")
    writer.message(2, try type(graph[id].type))
    return writer
  }

  private func type(_ type: ValueType) throws(Failure) -> WireWriter {
    func tensor(_ element: ElementType, _ shape: [Dimension]?) throws(Failure) -> WireWriter {
      guard let code = element.onnxCode else { throw Failure("ONNX has no element type \(element.rawValue)") }
      var inner = WireWriter()
      inner.integer(1, code)
      if let shape {
        var extents = WireWriter()
        for dimension in shape {
          var extent = WireWriter()
          switch dimension {
          case .constant(let number): extent.integer(1, number)
          case .symbolic(let expression): extent.string(2, expression.description)
          }
          extents.message(1, extent)
        }
        inner.message(2, extents)
      }
      return inner
    }
    var writer = WireWriter()
    switch type {
    case .tensor(let value): writer.message(1, try tensor(value.element, value.shape))
    case .unranked(let element): writer.message(1, try tensor(element, nil))
    case .sequence(let element):
      var inner = WireWriter()
      inner.message(1, try self.type(element))
      writer.message(4, inner)
    case .optional(let element):
      var inner = WireWriter()
      inner.message(1, try self.type(element))
      writer.message(9, inner)
    }
    return writer
  }
}
