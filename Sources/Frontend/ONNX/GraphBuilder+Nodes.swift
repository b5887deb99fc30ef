internal import Basic
internal import IR
internal import Ops

extension GraphBuilder {
  /// Adds nodes in execution order.
  func emit(_ nodes: [NodeMessage], scope: Scope) throws(Failure) {
    for index in try executionOrder(nodes, known: scope.values.keys) { try emit(nodes[index], scope: scope) }
  }

  private func executionOrder(_ nodes: [NodeMessage], known: some Sequence<String>) throws(Failure) -> [Int] {
    var order = NodeOrder(nodes, known: known)
    if order.isSorted { return Array(nodes.indices) }
    return try order.sorted(session)
  }

  private func emit(_ node: NodeMessage, scope: Scope) throws(Failure) {
    let name = uniqueName(node, scope: scope)
    if scope.owner == nil { sourceNames.append(name) }
    for output in node.outputs where !output.isEmpty { try checkNew(output, scope: scope, at: node.offset) }
    if node.type == "Constant", node.domain.isEmpty {
      try addConstant(node, name: name, scope: scope)
    } else if let function = session.function(node) {
      try inline(function, at: node, name: name, scope: scope)
    } else {
      try addOperator(node, name: name, scope: scope)
    }
  }

  private func addConstant(_ node: NodeMessage, name: String, scope: Scope) throws(Failure) {
    guard node.attributes.count == 1, node.outputs.count == 1, let attribute = try attributes(node, scope: scope).first
    else {
      throw session.failure("a Constant has one attribute and one output", node: name, at: node.offset)
    }
    let constant: Constant
    do throws(Failure) {
      switch attribute.value {
      case .tensor(let tensor): constant = try session.decoder.constant(tensor)
      case .sparse(let sparse): constant = try session.decoder.constant(sparse)
      case .float(let value): constant = Constant(Tensor([], floats: [value]))
      case .floats(let values): constant = Constant(Tensor([values.count], floats: values))
      case .integer(let value): constant = Constant(Tensor([], integers: [Int64(value)]))
      case .integers(let values): constant = Constant(integers: values.map(Int64.init))
      case .string(let value): constant = Constant(TensorType(.string, [Int]()), .strings([value]))
      case .strings(let values): constant = Constant(TensorType(.string, [values.count]), .strings(values))
      default: throw session.failure("attribute '\(attribute.name)' holds no value", node: name, at: attribute.offset)
      }
    } catch {
      throw error.inside(node: name)
    }
    define(node.outputs[0], rewriter.addConstant(constant, name: node.outputs[0]), scope: scope)
    if scope.owner == nil { rewriter.recordFolded([name], reason: "constant") }
  }

  private func addOperator(_ message: NodeMessage, name: String, scope: Scope) throws(Failure) {
    var inputs: [ValueID?] = []
    for input in message.inputs { inputs.append(try resolve(input, of: name, at: message.offset, scope: scope)) }
    while let last = inputs.last, last == nil { inputs.removeLast() }
    let outputCount = (message.outputs.lastIndex { !$0.isEmpty } ?? -1) + 1
    guard outputCount > 0 else {
      throw session.failure("\(message.type) has no output", node: name, at: message.offset)
    }

    let attributes = try attributes(message, scope: scope)
    if let branch = decidedBranch(of: message, attributes, condition: inputs.first ?? nil) {
      return try inline(branch, at: message, name: name, scope: scope)
    }
    let regions = try regions(attributes, of: message, name: name, inputs: inputs, scope: scope)
    var node = ONNXNode(
      name: ONNXName(domain: message.domain, message.type), opset: try opset(message, name: name, scope: scope),
      inputs: inputs.map { $0.map(ONNXNode.Input.value) ?? .absent },
      inputTypes: inputs.map { $0.map { rewriter.graph[$0].type } }, outputCount: outputCount,
      attributes: try payloads(attributes, name: name))
    node.untypedRegions = regions.untyped
    let declared = message.outputs.prefix(outputCount).map { scope.declared[$0] }
    let operation: any Operator
    do throws(OperatorError) {
      operation = try importOperator(&node, message, name: name, declared: declared)
    } catch {
      throw session.failure(error, of: message.type, node: name, at: message.offset)
    }
    var operands: [ValueID?] = []
    do throws(OperatorError) {
      for (index, input) in node.inputs.enumerated() {
        operands.append(try place(input, index: index, name: name, owner: scope.owner))
      }
    } catch {
      throw session.failure(error, of: message.type, node: name, at: message.offset)
    }
    operands += regions.captures
    try addNode(operation, operands, regions.graphs, message, name: name, declared: declared, scope: scope)
  }

  private func importOperator(
    _ node: inout ONNXNode, _ message: NodeMessage, name: String, declared: [TypeMessage?]
  ) throws(OperatorError) -> any Operator {
    guard let kind = OperatorCatalog.byONNXName[node.name] else {
      let types = try declared.map { (type) throws(OperatorError) -> ValueType in
        guard let type,
          let known = try? valueType(type, of: "output", at: 0, extent: { extent, _ in self.declaredExtent(extent) })
        else { throw OperatorError("opaque-type", "an opaque operator needs output types declared in the file") }
        return known
      }
      let domain = message.domain.isEmpty ? "" : message.domain + "."
      return OpaqueOperator(label: domain + message.type, outputs: types.compactMap(\.tensor))
    }
    let operation = try kind.importONNX(&node)
    let leftover = node.remainingAttributes.filter { !GraphBuilder.meaningless.contains($0) }
    guard leftover.isEmpty else {
      throw OperatorError("unknown-attribute", "attribute '\(leftover[0])' means nothing to this operator")
    }
    return operation
  }

  /// Attributes that only annotate: `doc_string` by mistake, and onnxruntime's layout hints.
  private static let meaningless: Set<String> = ["doc_string", "layer_name", "onnx_name"]

  private func declaredExtent(_ extent: TypeMessage.Extent) -> Dimension {
    switch extent {
    case .number(let number): .constant(number)
    case .named(let name): session.extents.bound(.symbol(name))
    case .unknown: .constant(1)
    }
  }

  /// The value an input of the mapped node stands for.
  private func place(
    _ input: ONNXNode.Input, index: Int, name: String, owner: String?
  ) throws(OperatorError) -> ValueID? {
    switch input {
    case .value(let value): return value
    case .constant(let constant): return rewriter.addConstant(constant, name: "\(name).in\(index)")
    case .absent: return nil
    case .transposed(let value, let order):
      let node = try rewriter.addNode(
        Transpose(order), [value], name: "\(name)/transpose\(index)", origin: Origin([owner ?? name]))
      return rewriter.graph[node].outputs[0]
    case .unsqueezed(let value, let axes):
      let added = rewriter.addConstant(Constant(integers: axes.map(Int64.init)), name: "\(name).axes\(index)")
      let node = try rewriter.addNode(
        Unsqueeze(), [value, added], name: "\(name)/unsqueeze\(index)", origin: Origin([owner ?? name]))
      return rewriter.graph[node].outputs[0]
    }
  }

  private func opset(_ node: NodeMessage, name: String, scope: Scope) throws(Failure) -> Int {
    if let version = scope.opsets[node.domain] { return version }
    guard !node.domain.isEmpty else {
      throw session.failure("the file imports no version of the ai.onnx operators", node: name, at: node.offset)
    }
    return 1
  }

  // MARK: Inference

  private func addNode(
    _ operation: any Operator, _ inputs: [ValueID?], _ regions: [Graph], _ message: NodeMessage, name: String,
    declared: [TypeMessage?], scope: Scope
  ) throws(Failure) {
    let context = known.context(
      in: rewriter.graph, inputs: inputs, outputCount: declared.count, regions: regions, nodeName: name)
    var types: [ValueType]
    do throws(OperatorError) { types = try operation.inferTypes(context) } catch {
      throw session.failure(error, of: message.type, node: name, at: message.offset)
    }
    guard types.count >= declared.count else {
      throw session.failure(
        "\(message.type) has \(types.count) outputs, not \(declared.count)", node: name, at: message.offset)
    }
    types = zip(types, declared).map { refined($0, by: $1) }
    let origin = Origin([scope.owner ?? name])
    let outputNames = message.outputs.prefix(declared.count).enumerated().map { index, output in
      output.isEmpty ? "\(name).\(index)" : scope.prefix + output
    }
    let id = rewriter.addNode(
      operation, inputs, types: types, name: name, origin: origin, regions: regions, outputNames: outputNames)
    emitted += 1
    let outputs = rewriter.graph[id].outputs
    for (output, value) in zip(message.outputs, outputs) where !output.isEmpty { define(output, value, scope: scope) }
    known.learn(rewriter.graph[id], context, in: rewriter.graph) { session.extents.bound($0) }
  }
}

// MARK: Attributes

extension GraphBuilder {
  /// A node's attributes with references to the calling node resolved; a reference to an absent one is absent.
  func attributes(_ node: NodeMessage, scope: Scope) throws(Failure) -> [AttributeMessage] {
    node.attributes.compactMap { attribute in
      guard case .reference(let name) = attribute.value else { return attribute }
      var resolved = scope.attributes[name]
      resolved?.name = attribute.name
      return resolved
    }
  }

  private func payloads(_ attributes: [AttributeMessage], name: String) throws(Failure) -> [String: ONNXAttribute] {
    var result: [String: ONNXAttribute] = [:]
    var regionCount = 0
    for attribute in attributes {
      let value: ONNXAttribute
      switch attribute.value {
      case .float(let number): value = .float(number)
      case .integer(let number): value = .integer(number)
      case .string(let text): value = .string(text)
      case .floats(let numbers): value = .floats(numbers)
      case .integers(let numbers): value = .integers(numbers)
      case .strings(let texts): value = .strings(texts)
      case .tensor(let tensor):
        do { value = .tensor(try session.decoder.constant(tensor)) } catch { throw error.inside(node: name) }
      case .graph:
        value = .region(regionCount)
        regionCount += 1
      case .type(let type):
        value = .type(
          try valueType(type, of: "attribute '\(attribute.name)'", at: attribute.offset) { extent, axis in
            if case .number(let number) = extent { return .constant(number) }
            return .symbol("\(name).\(attribute.name)_d\(axis)")
          })
      case .sparse, .reference, .unsupported:
        throw session.failure("attribute '\(attribute.name)' cannot be read", node: name, at: attribute.offset)
      }
      guard result.updateValue(value, forKey: attribute.name) == nil else {
        throw session.failure("attribute '\(attribute.name)' stands twice", node: name, at: attribute.offset)
      }
    }
    return result
  }

  func resolve(_ input: String, of node: String, at offset: Int, scope: Scope) throws(Failure) -> ValueID? {
    if input.isEmpty { return nil }
    guard let value = scope.values[input] else {
      throw session.failure("reads '\(input)', which nothing defines", node: node, at: offset)
    }
    return value
  }
}
