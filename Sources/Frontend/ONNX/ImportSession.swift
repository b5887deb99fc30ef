internal import Basic
internal import IR
internal import Ops

/// What all graphs of one import share.
final class ImportSession {
  struct FunctionName: Hashable {
    var domain: String
    var name: String
    var overload: String
  }

  let file: MappedFile
  let decoder: TensorDecoder
  let options: ONNXImporter.Options
  let functions: [FunctionName: FunctionMessage]
  var extents = DimensionBinder()
  /// Nodes of each function when everything it calls is inlined.
  private var inlinedSizes: [FunctionName: Int] = [:]

  /// Nodes one call may expand to; functions that call functions multiply.
  static let inlinedLimit = 500_000
  static let callDepthLimit = 32

  init(file: MappedFile, model: ModelMessage, options: ONNXImporter.Options) {
    self.file = file
    self.options = options
    decoder = TensorDecoder(file: file, external: ExternalFiles(modelPath: file.name))
    functions = Dictionary(
      model.functions.map { (FunctionName(domain: $0.domain, name: $0.name, overload: $0.overload), $0) },
      uniquingKeysWith: { first, _ in first })
  }

  func function(_ node: NodeMessage) -> FunctionMessage? {
    functions.isEmpty ? nil : functions[FunctionName(domain: node.domain, name: node.type, overload: node.overload)]
  }

  /// Nodes of a function with all calls inlined, computed once per function; refuses recursion.
  func inlinedSize(_ function: FunctionMessage, at call: NodeMessage, depth: Int = 0) throws(Failure) -> Int {
    let name = FunctionName(domain: function.domain, name: function.name, overload: function.overload)
    if let size = inlinedSizes[name] { return size }
    guard depth < ImportSession.callDepthLimit else {
      throw failure(
        "calls of function \(function.name) are nested more than \(ImportSession.callDepthLimit) deep",
        node: call.name.isEmpty ? call.type : call.name, at: call.offset)
    }
    var size = 0
    for node in function.nodes {
      let callee = self.function(node)
      size += try callee.map { (callee) throws(Failure) in try inlinedSize(callee, at: node, depth: depth + 1) } ?? 1
      guard size <= ImportSession.inlinedLimit else {
        throw failure(
          "inlined functions make more than \(ImportSession.inlinedLimit) nodes",
          node: call.name.isEmpty ? call.type : call.name, at: call.offset)
      }
    }
    inlinedSizes[name] = size
    return size
  }

  /// Files of IR version 1 and 2 may not say: they mean version 1.
  func opsets(_ declared: [String: Int]) -> [String: Int] { declared.isEmpty ? ["": 1] : declared }

  func location(_ offset: Int) -> SourceLocation { SourceLocation(file: file.name, byte: offset) }

  func failure(_ message: String, node: String, at offset: Int, fix: String? = nil) -> Failure {
    Failure("node '\(node)': \(message)", at: location(offset), fix: fix)
  }

  /// What an operator says about its inputs; a rank that is not known may be known once the open extents are.
  func failure(_ error: OperatorError, of type: String, node: String, at offset: Int) -> Failure {
    let open = ["tensor-expected", "weight-rank"].contains(error.label) ? extents.open : []
    let flags = open.map { "--dim '\($0)=…'" }.joined(separator: " ")
    return failure("\(type): \(error)", node: node, at: offset, fix: open.isEmpty ? nil : "ranks may depend on open extents: try \(flags)")
  }

  /// Reports every operator nobody knows, once each, before anything is built.
  func checkOperators(_ main: GraphMessage) throws(Failure) {
    guard !options.allowsOpaque else { return }
    var unknown: [ONNXName: (first: NodeMessage, count: Int)] = [:]
    func scan(_ nodes: [NodeMessage]) {
      for node in nodes {
        for case .graph(let graph) in node.attributes.lazy.map(\.value) { scan(graph.nodes) }
        let name = ONNXName(domain: node.domain, node.type)
        guard OperatorCatalog.byONNXName[name] == nil, name != "Constant", function(node) == nil else { continue }
        unknown[name, default: (node, 0)].count += 1
      }
    }
    scan(main.nodes)
    for key in functions.keys.sorted(by: { ($0.domain, $0.name, $0.overload) < ($1.domain, $1.name, $1.overload) }) {
      scan(functions[key]?.nodes ?? [])
    }
    guard !unknown.isEmpty else { return }
    throw Failure(
      unknown.values.sorted { $0.first.offset < $1.first.offset }.map { entry in
        let node = entry.first
        let domain = node.domain.isEmpty ? "ai.onnx" : node.domain
        let others = entry.count > 1 ? " and \(entry.count - 1) more like it" : ""
        let known = OperatorCatalog.byONNXName.keys.filter { $0.domain == node.domain }.map(\.type).sorted()
        let near = nearestSpelling(to: node.type, in: known).map { "did you mean \($0)? Otherwise " } ?? ""
        return .error(
          "node '\(node.name)'\(others): unknown operator \(node.type) of domain \(domain)", at: location(node.offset),
          fix: "\(near)pass --allow-opaque to keep it as a kernel whose share of time is shown")
      })
  }
}

/// Names of values within one graph or function body.
final class Scope {
  /// An absent optional function input is nil.
  var values: [String: ValueID?] = [:]
  /// Types the file declares, by value name.
  var declared: [String: TypeMessage] = [:]
  let opsets: [String: Int]
  /// Goes before node names: the calling node of an inlined function, the owner of a region.
  let prefix: String
  /// The source node that everything here belongs to, inside functions and regions.
  let owner: String?
  /// Attributes of the calling node, inside functions.
  let attributes: [String: AttributeMessage]

  init(
    opsets: [String: Int], prefix: String = "", owner: String? = nil, attributes: [String: AttributeMessage] = [:]
  ) {
    self.opsets = opsets
    self.prefix = prefix
    self.owner = owner
    self.attributes = attributes
  }

  func declare(_ infos: [ValueInfoMessage]) {
    for info in infos { if let type = info.type { declared[info.name] = type } }
  }
}
