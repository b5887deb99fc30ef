internal import Basic
internal import IR
internal import Ops

/// Builds the graph of one model, or of a region of it, operator by operator in file order.
final class TFLiteBuilder {
  let model: TFLiteModel
  let file: MappedFile
  private let options: ImportOptions
  /// The source operator that everything in a region belongs to; nil for the model's own graph.
  let owner: String?
  private let depth: Int
  private let budget: Budget
  var rewriter: Rewriter
  var known = KnownContents()
  /// Names of source operators in file order.
  private(set) var sourceNames: [String] = []
  var state = TFLiteState()
  private var nodeNames: Set<String> = []
  /// The zero of pads and the like: equal constants are made once.
  private var constants: [Constant: ValueID] = [:]

  init(_ model: TFLiteModel, file: MappedFile, options: ImportOptions) {
    self.model = model
    self.file = file
    self.options = options
    owner = nil
    depth = 0
    budget = Budget()
    rewriter = Rewriter(Graph(name: model.subgraphs[0].name))
  }

  /// A region of an operator.
  init(regionOf node: TFLiteNode) throws(Failure) {
    let outer = node.builder
    (model, file, options, budget) = (outer.model, outer.file, outer.options, outer.budget)
    owner = outer.owner ?? node.name
    depth = outer.depth + 1
    rewriter = Rewriter(Graph(name: node.name))
    guard depth <= Self.depthLimit else { throw node.failure("graphs are nested more than \(Self.depthLimit) deep") }
  }

  /// Operators that all regions together may have: regions name subgraphs, and subgraphs may be named often.
  private final class Budget {
    var operators = 1 << 20
  }

  private static let depthLimit = 16

  func build() throws(Failure) -> Graph {
    try checkOperators()
    let subgraph = model.subgraphs[0]
    var arguments: [ValueID] = []
    for index in subgraph.inputs {
      let tensor = subgraph.tensors[index]
      arguments.append(rewriter.addInput(.tensor(try type(of: tensor)), name: tensor.name))
    }
    var outputs = try inline(0, arguments)
    for (name, value) in state.results {
      rewriter.rename(value, to: name)
      outputs.append(value)
    }
    rewriter.setOutputs(outputs)
    rewriter.decodeOutputs()
    return rewriter.graph
  }

  /// Adds the operators of a subgraph that reads the given values, and gives its results.
  func inline(_ index: Int, _ arguments: [ValueID]) throws(Failure) -> [ValueID] {
    guard model.subgraphs.indices.contains(index), model.subgraphs[index].inputs.count == arguments.count else {
      throw failure("graph \(index) of \(model.subgraphs.count) does not take \(arguments.count) values", at: 0)
    }
    let scope = TFLiteScope(model.subgraphs[index])
    for (tensor, value) in zip(scope.subgraph.inputs, arguments) { scope.values[tensor] = value }
    for node in scope.subgraph.operators { try add(node, scope) }
    var results: [ValueID] = []
    for index in scope.subgraph.outputs { results.append(try value(index, scope, of: "the graph's results", at: 0)) }
    return results
  }

  func type(of tensor: TFLiteTensor) throws(Failure) -> TensorType {
    guard let element = tensor.element else {
      throw failure("tensor '\(tensor.name)' of type \(tensor.type) holds no numbers", at: tensor.position)
    }
    return TensorType(element, tensor.shape)
  }

  // MARK: Operators

  /// Reports every operator nobody knows, once each, before anything is built.
  private func checkOperators() throws(Failure) {
    guard !options.allowsOpaque else { return }
    let subgraph = model.subgraphs[0]
    var unknown: [String: (node: TFLiteOperator, count: Int)] = [:]
    for node in subgraph.operators where TFLiteCatalog.mapping(for: model.operatorCodes[node.code]) == nil {
      unknown[typeName(node), default: (node, 0)].count += 1
    }
    guard !unknown.isEmpty else { return }
    throw Failure(
      unknown.sorted { $0.value.node.position < $1.value.node.position }.map { type, entry in
        let result = entry.node.outputs.first.map { subgraph.tensors[$0].name } ?? ""
        let others = entry.count > 1 ? " and \(entry.count - 1) more like it" : ""
        return .error(
          "node '\(result)'\(others): unknown operator \(type)", at: SourceLocation(file: file.name, byte: entry.node.position),
          fix: "pass --allow-opaque to keep it as a kernel whose share of time is shown")
      })
  }

  /// As the schema spells it; a custom operator by its own name.
  private func typeName(_ node: TFLiteOperator) -> String {
    let code = model.operatorCodes[node.code]
    if code.builtin == TFLiteCatalog.custom { return "custom \(code.custom)" }
    return TFLiteCatalog.byCode[code.builtin]?.name ?? "builtin \(code.builtin)"
  }

  private func add(_ message: TFLiteOperator, _ scope: TFLiteScope) throws(Failure) {
    budget.operators -= 1
    guard budget.operators >= 0 else { throw failure("regions make more than 2²⁰ operators", at: message.position) }
    let type = typeName(message)
    let name = uniqueName(message, type, scope)
    if owner == nil { sourceNames.append(name) }
    let node = TFLiteNode(builder: self, scope: scope, message: message, name: name, type: type)
    guard let mapping = TFLiteCatalog.mapping(for: model.operatorCodes[message.code]) else {
      guard options.allowsOpaque else { throw node.failure("the operator is not known") }
      try define(try node.opaque(), node)
      return
    }
    do throws(Failure) {
      try define(try mapping.add(node), node)
    } catch {
      throw error.inside(node: name)
    }
  }

  private func define(_ results: [ValueID], _ node: TFLiteNode) throws(Failure) {
    // A resource is a name and no value.
    let wanted = node.message.outputs.filter { node.scope.variables[$0] == nil }
    guard results.count >= wanted.count else {
      throw node.failure("it has \(wanted.count) results where \(results.count) are known")
    }
    for (index, value) in zip(wanted, results) {
      guard node.scope.values[index] == nil else {
        throw node.failure("tensor '\(node.scope.subgraph.tensors[index].name)' is computed twice")
      }
      node.scope.values[index] = value
      // Values that a node makes have the tensor's name; inputs and constants that are passed on keep their own.
      if rewriter.graph[value].producer != nil { rewriter.rename(value, to: node.scope.subgraph.tensors[index].name) }
    }
  }

  /// The first layer name in the result's name, made unique: converters join the names of everything they fused.
  private func uniqueName(_ node: TFLiteOperator, _ type: String, _ scope: TFLiteScope) -> String {
    let full = node.outputs.first.map { scope.subgraph.tensors[$0].name } ?? ""
    let own = full.split(separator: ";").first.map(String.init) ?? type
    var name = own
    var number = 1
    while !nodeNames.insert(name).inserted {
      number += 1
      name = "\(own)#\(number)"
    }
    return name
  }

  // MARK: Values

  /// The value of a tensor as it is stored: computed before, or a constant of the file.
  func value(_ index: Int, _ scope: TFLiteScope, of what: String, at position: Int) throws(Failure) -> ValueID {
    if let value = scope.values[index] { return value }
    let tensor = scope.subgraph.tensors[index]
    guard let constant = try constant(tensor) else {
      throw failure("\(what) read tensor '\(tensor.name)', which nothing computes", at: position)
    }
    let value = rewriter.addConstant(constant, name: tensor.name)
    scope.values[index] = value
    return value
  }

  /// The contents of a tensor that the file holds; nil when it holds none.
  func constant(_ tensor: TFLiteTensor) throws(Failure) -> Constant? {
    let range = model.buffers.indices.contains(tensor.buffer) ? model.buffers[tensor.buffer] : 0..<0
    guard tensor.buffer != 0, !range.isEmpty || tensor.shape.contains(0), !tensor.isVariable else { return nil }
    let type = try type(of: tensor)
    if let sparsity = tensor.sparsity {
      return try SparseTensor(sparsity, type: type, name: tensor.name).dense(file, range)
    }
    if type.element == .string { return Constant(type, .strings(try strings(range, tensor))) }
    let wanted = type.element.bytes(type.elementCount ?? 0)
    guard range.count == wanted else {
      throw failure(
        "tensor '\(tensor.name)': shape \(tensor.shape) of \(type.element.rawValue) takes \(wanted) bytes but \(range.count) are there",
        at: tensor.position)
    }
    return Constant(type, .bytes(TensorData(.mapped(file, range))))
  }

  /// A count, that many offsets and one more, then the characters.
  private func strings(_ range: Range<Int>, _ tensor: TFLiteTensor) throws(Failure) -> [String] {
    let bytes = file.withBytes(range) { Array($0) }
    func number(_ index: Int) -> Int? {
      guard index >= 0, 4 * index + 4 <= bytes.count else { return nil }
      return bytes.withUnsafeBytes { Int(Int32(littleEndian: $0.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))) }
    }
    let wanted = tensor.shape.reduce(1, *)
    guard let count = number(0), count == wanted, count <= bytes.count / 4 else {
      throw failure("tensor '\(tensor.name)': its strings do not fit the shape \(tensor.shape)", at: tensor.position)
    }
    var result: [String] = []
    for index in 0..<count {
      guard let start = number(1 + index), let end = number(2 + index), start >= 0, start <= end, end <= bytes.count else {
        throw failure("tensor '\(tensor.name)': a string lies outside its buffer", at: tensor.position)
      }
      result.append(String(decoding: bytes[start..<end], as: UTF8.self))
    }
    return result
  }

  /// A constant the importer makes itself; equal ones are one value.
  func made(_ constant: Constant, name: String) -> ValueID {
    if let value = constants[constant] { return value }
    let value = rewriter.addConstant(constant, name: name)
    constants[constant] = value
    return value
  }

  func failure(_ message: String, at position: Int) -> Failure {
    Failure(message, at: SourceLocation(file: file.name, byte: position))
  }
}

/// Values of the tensors of one subgraph.
final class TFLiteScope {
  let subgraph: TFLiteSubgraph
  /// By tensor, as stored.
  var values: [Int: ValueID] = [:]
  /// By tensor, the real numbers that quantised ones stand for.
  var reals: [Int: ValueID] = [:]
  /// By tensor, the variable a resource stands for.
  var variables: [Int: String] = [:]

  init(_ subgraph: TFLiteSubgraph) { self.subgraph = subgraph }
}

/// State that lives from run to run: an input that brings it and an output that takes it.
struct TFLiteState {
  private var current: [String: ValueID] = [:]
  private var changed: [String] = []

  subscript(_ name: String) -> ValueID? { current[name] }

  mutating func read(_ name: String, as value: ValueID) { current[name] = value }

  mutating func assign(_ name: String, _ value: ValueID) {
    if !changed.contains(name) { changed.append(name) }
    current[name] = value
  }

  /// The last value of everything that was assigned, in the order of first assignment.
  var results: [(name: String, value: ValueID)] { changed.compactMap { name in current[name].map { ("\(name):next", $0) } } }
}
