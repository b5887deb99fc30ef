internal import Basic

/// Turns wire format into messages; field numbers are those of `onnx.proto` (onnx 1.17, IR version 10).
struct MessageParser {
  let file: MappedFile
  /// Graphs within graphs, sequences within sequences: deeper is hostile.
  static let depthLimit = 24
  /// Nodes of a file, all graphs together.
  static let nodeLimit = 4_000_000
  private var nodeCount = 0

  init(_ file: MappedFile) { self.file = file }

  /// Producer and opsets only, without opening the graph: O(top-level fields).
  mutating func header() throws(Failure) -> ModelMessage { try model(opening: false) }

  mutating func model() throws(Failure) -> ModelMessage { try model(opening: true) }

  private mutating func model(opening: Bool) throws(Failure) -> ModelMessage {
    var reader = WireReader(file)
    var model = ModelMessage()
    while let field = try reader.next() {
      switch field.number {
      case 1: model.irVersion = try field.integer(in: reader)
      case 2: model.producer = try field.string(in: reader)
      case 3: model.producerVersion = try field.string(in: reader)
      case 7:
        let body = try field.message(in: reader)
        if opening { model.graph = try graph(body, depth: 0) } else { model.graph = GraphMessage() }
      case 8: try opset(field.message(in: reader), into: &model.opsets)
      case 25: if opening { model.functions.append(try function(field.message(in: reader))) }
      default: break
      }
    }
    return model
  }

  private func opset(_ body: WireReader, into opsets: inout [String: Int]) throws(Failure) {
    var reader = body
    var domain = ""
    var version = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: domain = try field.string(in: reader)
      case 2: version = try field.integer(in: reader)
      default: break
      }
    }
    opsets[domain == "ai.onnx" ? "" : domain] = version
  }

  private mutating func graph(_ body: WireReader, depth: Int) throws(Failure) -> GraphMessage {
    var reader = body
    guard depth < MessageParser.depthLimit else {
      throw reader.malformed("graphs are nested more than \(MessageParser.depthLimit) deep", at: reader.position)
    }
    var graph = GraphMessage()
    graph.offset = reader.position
    while let field = try reader.next() {
      switch field.number {
      case 1: graph.nodes.append(try node(field.message(in: reader), at: field.offset, depth: depth))
      case 2: graph.name = try field.string(in: reader)
      case 5: graph.initializers.append(try tensor(field.message(in: reader), at: field.offset))
      case 11: graph.inputs.append(try valueInfo(field.message(in: reader), at: field.offset))
      case 12: graph.outputs.append(try valueInfo(field.message(in: reader), at: field.offset))
      case 13: graph.valueInfo.append(try valueInfo(field.message(in: reader), at: field.offset))
      case 15: graph.sparseInitializers.append(try sparse(field.message(in: reader), at: field.offset))
      default: break
      }
    }
    return graph
  }

  private mutating func node(_ body: WireReader, at offset: Int, depth: Int) throws(Failure) -> NodeMessage {
    var reader = body
    var node = NodeMessage()
    node.offset = offset
    nodeCount += 1
    guard nodeCount <= MessageParser.nodeLimit else {
      throw reader.malformed("more than \(MessageParser.nodeLimit) nodes", at: offset)
    }
    do {
      while let field = try reader.next() {
        switch field.number {
        case 1: node.inputs.append(try field.string(in: reader))
        case 2: node.outputs.append(try field.string(in: reader))
        case 3: node.name = try field.string(in: reader)
        case 4: node.type = try field.string(in: reader)
        case 5: node.attributes.append(try attribute(field.message(in: reader), at: field.offset, depth: depth))
        case 7: node.domain = try field.string(in: reader)
        case 8: node.overload = try field.string(in: reader)
        default: break
        }
      }
    } catch {
      throw error.inside(node: node.name.isEmpty ? node.type : node.name)
    }
    if node.domain == "ai.onnx" { node.domain = "" }
    return node
  }

  private mutating func attribute(_ body: WireReader, at offset: Int, depth: Int) throws(Failure) -> AttributeMessage {
    var reader = body
    var result = AttributeMessage()
    result.offset = offset
    var kind: Int?
    var scalar: AttributeMessage.Value?
    var floats: [Float] = []
    var integers: [Int] = []
    var strings: [String] = []
    var reference = ""
    while let field = try reader.next() {
      switch field.number {
      case 1: result.name = try field.string(in: reader)
      case 2: scalar = .float(try field.float(in: reader))
      case 3: scalar = .integer(try field.integer(in: reader))
      case 4: scalar = .string(try field.string(in: reader))
      case 5: scalar = .tensor(try tensor(field.message(in: reader), at: field.offset))
      case 6: scalar = .graph(try graph(field.message(in: reader), depth: depth + 1))
      case 7: try field.appendFloats(to: &floats, in: reader)
      case 8: try field.appendIntegers(to: &integers, in: reader)
      case 9: strings.append(try field.string(in: reader))
      case 10, 11, 15, 23: scalar = .unsupported("a list of tensors, graphs or types")
      case 14: scalar = .type(try type(field.message(in: reader), depth: 0))
      case 20: kind = try field.integer(in: reader)
      case 21: reference = try field.string(in: reader)
      case 22: scalar = .sparse(try sparse(field.message(in: reader), at: field.offset))
      default: break
      }
    }
    if !reference.isEmpty {
      result.value = .reference(reference)
      return result
    }
    // Proto3-style writers leave out zeros, and IR version 1 had no kind.
    switch kind {
    case 1?: result.value = scalar ?? .float(0)
    case 2?: result.value = scalar ?? .integer(0)
    case 3?: result.value = scalar ?? .string("")
    case 6?: result.value = .floats(floats)
    case 7?: result.value = .integers(integers)
    case 8?: result.value = .strings(strings)
    default:
      if let scalar {
        result.value = scalar
      } else if !floats.isEmpty {
        result.value = .floats(floats)
      } else if !integers.isEmpty {
        result.value = .integers(integers)
      } else if !strings.isEmpty {
        result.value = .strings(strings)
      }
    }
    return result
  }

  func tensor(_ body: WireReader, at offset: Int) throws(Failure) -> TensorMessage {
    var reader = body
    var tensor = TensorMessage()
    tensor.offset = offset
    while let field = try reader.next() {
      switch field.number {
      case 1: try field.appendIntegers(to: &tensor.dims, in: reader)
      case 2: tensor.dataType = try field.integer(in: reader)
      case 4, 5, 6, 7, 10, 11: tensor.typed.append(field)
      case 8: tensor.name = try field.string(in: reader)
      case 9:
        tensor.raw = try field.range(in: reader)
        if let raw = tensor.raw { file.forget(raw) }
      case 13: try entry(field.message(in: reader), into: &tensor.external)
      case 14: tensor.isExternal = try field.integer(in: reader) == 1
      default: break
      }
    }
    return tensor
  }

  private func entry(_ body: WireReader, into entries: inout [String: String]) throws(Failure) {
    var reader = body
    var key = ""
    var value = ""
    while let field = try reader.next() {
      switch field.number {
      case 1: key = try field.string(in: reader)
      case 2: value = try field.string(in: reader)
      default: break
      }
    }
    entries[key] = value
  }

  private func sparse(_ body: WireReader, at offset: Int) throws(Failure) -> SparseTensorMessage {
    var reader = body
    var sparse = SparseTensorMessage()
    sparse.offset = offset
    while let field = try reader.next() {
      switch field.number {
      case 1: sparse.values = try tensor(field.message(in: reader), at: field.offset)
      case 2: sparse.indices = try tensor(field.message(in: reader), at: field.offset)
      case 3: try field.appendIntegers(to: &sparse.dims, in: reader)
      default: break
      }
    }
    return sparse
  }

  private func valueInfo(_ body: WireReader, at offset: Int) throws(Failure) -> ValueInfoMessage {
    var reader = body
    var info = ValueInfoMessage()
    info.offset = offset
    while let field = try reader.next() {
      switch field.number {
      case 1: info.name = try field.string(in: reader)
      case 2: info.type = try type(field.message(in: reader), depth: 0)
      default: break
      }
    }
    return info
  }

  private mutating func function(_ body: WireReader) throws(Failure) -> FunctionMessage {
    var reader = body
    var function = FunctionMessage()
    while let field = try reader.next() {
      switch field.number {
      case 1: function.name = try field.string(in: reader)
      case 4: function.inputs.append(try field.string(in: reader))
      case 5: function.outputs.append(try field.string(in: reader))
      case 7: function.nodes.append(try node(field.message(in: reader), at: field.offset, depth: 0))
      case 9: try opset(field.message(in: reader), into: &function.opsets)
      case 10: function.domain = try field.string(in: reader)
      case 11: function.defaults.append(try attribute(field.message(in: reader), at: field.offset, depth: 0))
      case 12: function.valueInfo.append(try valueInfo(field.message(in: reader), at: field.offset))
      case 13: function.overload = try field.string(in: reader)
      default: break
      }
    }
    if function.domain == "ai.onnx" { function.domain = "" }
    return function
  }
}

extension MessageParser {
  func type(_ body: WireReader, depth: Int) throws(Failure) -> TypeMessage {
    var reader = body
    guard depth < MessageParser.depthLimit else {
      throw reader.malformed("types are nested more than \(MessageParser.depthLimit) deep", at: reader.position)
    }
    var result = TypeMessage.unsupported("an empty type")
    while let field = try reader.next() {
      switch field.number {
      case 1: result = try tensorType(field.message(in: reader))
      case 4: result = .sequence(try inner(field.message(in: reader), depth: depth + 1))
      case 9: result = .optional(try inner(field.message(in: reader), depth: depth + 1))
      case 5: result = .unsupported("a map type")
      case 8: result = .unsupported("a sparse tensor type")
      default: break
      }
    }
    return result
  }

  /// The element type of a sequence or optional.
  private func inner(_ body: WireReader, depth: Int) throws(Failure) -> TypeMessage {
    var reader = body
    var result = TypeMessage.unsupported("an empty type")
    while let field = try reader.next() {
      if field.number == 1 { result = try type(field.message(in: reader), depth: depth) }
    }
    return result
  }

  private func tensorType(_ body: WireReader) throws(Failure) -> TypeMessage {
    var reader = body
    var element = 0
    var shape: [TypeMessage.Extent]?
    while let field = try reader.next() {
      switch field.number {
      case 1: element = try field.integer(in: reader)
      case 2:
        var dims = try field.message(in: reader)
        var extents: [TypeMessage.Extent] = []
        while let dim = try dims.next() {
          if dim.number == 1 { extents.append(try extent(dim.message(in: dims))) }
        }
        shape = extents
      default: break
      }
    }
    return .tensor(element: element, shape: shape)
  }

  private func extent(_ body: WireReader) throws(Failure) -> TypeMessage.Extent {
    var reader = body
    var result = TypeMessage.Extent.unknown
    while let field = try reader.next() {
      switch field.number {
      case 1:
        let value = try field.integer(in: reader)
        result = value < 0 ? .unknown : .number(value)
      case 2:
        let name = try field.string(in: reader)
        result = name.isEmpty || name == "?" || name == "-1" ? .unknown : .named(name)
      default: break
      }
    }
    return result
  }
}

extension Failure {
  /// The same diagnostics, saying in which node they arose.
  func inside(node: String) -> Failure {
    Failure(
      diagnostics.map { diagnostic in
        var named = diagnostic
        if !node.isEmpty, !named.message.hasPrefix("node '") { named.message = "node '\(node)': \(named.message)" }
        return named
      })
  }
}
