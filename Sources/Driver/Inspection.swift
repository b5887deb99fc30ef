internal import Foundation
internal import Lowering
internal import Passes
package import Basic
package import Hardware
internal import IR
internal import Ops

/// What a model is made of, before any machine: operators, parameters, arithmetic, dimensions to bind.
package struct Inspection: Sendable {
  /// One kind of operator.
  package struct Line: Sendable, Codable, Hashable {
    package var `operator`: String
    package var count: Int
    package var parameters: Int
    /// Nil where extents that are not bound decide it.
    @NullWhenUnknown package var macs: Int?
    @NullWhenUnknown package var flops: Int?
    /// Nodes whose arithmetic cannot be told.
    package var uncounted: Int
    /// How the machine would run it: `native`, `emulated` or `opaque`; nil without a machine.
    package var support: String?
  }

  package struct Port: Sendable, Codable, Hashable {
    package var name: String
    package var type: String
  }

  package var name: String
  package var format: String
  package var producer: String
  package var nodes: Int
  package var inputs: [Port]
  package var outputs: [Port]
  package var lines: [Line]
  /// Symbols that predictions need a number for.
  package var unboundDimensions: [String]
  /// What the model does not say and was taken for granted.
  package var diagnostics: [Diagnostic]

  /// Counts arithmetic where dimensions are bound; the rest says so.
  package init(_ request: ModelRequest, target: TargetFile?) throws(Failure) {
    let loaded = try LoadedModel(request)
    let graph = loaded.graph
    name = loaded.name
    diagnostics = loaded.diagnostics
    (format, producer) = (graph.source.format, graph.source.producer)
    nodes = graph.source.nodeNames.count
    inputs = graph.inputs.map { Port(name: graph[$0].name, type: graph[$0].type.description) }
    outputs = graph.outputs.map { Port(name: graph[$0].name, type: graph[$0].type.description) }
    unboundDimensions = graph.inputs.reduce(into: Set<String>()) { $0.formUnion(graph[$1].type.symbols) }.sorted()
    var capabilities: Capabilities?
    if let target { capabilities = try MachineCatalog.machine(for: target).capabilities }
    // Shape arithmetic and identities are not work on any machine.
    let passes = [PassCatalog.pass(named: "fold-constants"), PassCatalog.pass(named: "remove-dead-nodes")].compactMap { $0 }
    let compiled = try Compilation(graph, passes: passes, options: Compilation.Options())
    lines = Self.lines(compiled.graph, capabilities)
    let place = SourceLocation(file: graph.source.file)
    diagnostics += compiled.graph.controlFlowNotes.map { Diagnostic(.warning, $0.what, at: place, fix: $0.fix) }
  }

  private static func lines(_ graph: Graph, _ capabilities: Capabilities?) -> [Line] {
    var table: [String: Line] = [:]
    var counted: Set<ValueID> = []
    for id in graph.nodeIDs {
      let node = graph[id]
      let name = type(of: node.operation).name
      var line = table[name] ?? Line(operator: name, count: 0, parameters: 0, macs: 0, flops: 0, uncounted: 0, support: nil)
      line.count += 1
      let computation = graph.computation(of: node)
      var isProduct = false
      if case .contraction? = computation { isProduct = true }
      for direct in node.inputs {
        guard let input = graph.stored(direct, readBy: node), graph[input].constant != nil, counted.insert(input).inserted else { continue }
        // A few integers are extents or axes, unless a product reads them or they stand for real numbers: then they are biases.
        guard isProduct || input != direct || graph[input].constant?.shapeContents == nil else { continue }
        line.parameters += graph.tensorType(input)?.elementCount ?? 0
      }
      for weight in graph.storedConstants(inRegionsOf: node) { line.parameters += weight.constant.type.elementCount ?? 0 }
      if let work = computation?.work, let macs = line.macs, let flops = line.flops {
        let total = Work(macs: macs, flops: flops) + work
        (line.macs, line.flops) = (total.macs, total.flops)
      }
      if computation == nil {
        (line.macs, line.flops) = (nil, nil)
        line.uncounted += 1
      }
      if let capabilities { line.support = worse(line.support, support(computation, capabilities)) }
      table[name] = line
    }
    // What cannot be told may be the most.
    func rank(_ count: Int?) -> Int { count ?? .max }
    return table.values.sorted { (rank($1.macs), rank($1.flops), $0.operator) < (rank($0.macs), rank($0.flops), $1.operator) }
  }

  private static func support(_ computation: Computation?, _ capabilities: Capabilities) -> String {
    switch computation {
    case .opaque, nil: "opaque"
    case .contraction(let contraction):
      capabilities.contractionTypes.contains(contraction.lhs.storage.rawValue) ? "native" : "emulated"
    case .attention, .pointwise, .reduction, .movement, .loop: "native"
    }
  }

  private static func worse(_ a: String?, _ b: String) -> String {
    let rank = ["native": 0, "emulated": 1, "opaque": 2]
    return (rank[a ?? "native"] ?? 0) > (rank[b] ?? 0) ? a ?? b : b
  }

  /// The screen people read.
  package func text() -> String {
    var text = "\(name)  \(format)  \(producer)\n\(nodes) source nodes\n\n"
    for port in inputs { text += "input   \(port.name)  \(port.type)\n" }
    for port in outputs { text += "output  \(port.name)  \(port.type)\n" }
    if !unboundDimensions.isEmpty {
      text +=
        "\nto bind: " + unboundDimensions.map { "--dim '\($0)=…'" }.joined(separator: " ")
        + "  (– below: not to be told before)\n"
    }
    if !diagnostics.isEmpty { text += "\n" + diagnostics.map(\.description).joined(separator: "\n") + "\n" }
    var table = TextTable([
      ("operator", .left), ("nodes", .right), ("parameters", .right), ("MACs", .right), ("FLOPs", .right), ("support", .left),
    ])
    for line in lines {
      table.add([
        line.operator, "\(line.count)", Format.count(Double(line.parameters)), Self.text(line.macs), Self.text(line.flops),
        line.support ?? "",
      ])
    }
    table.add([
      "total", "\(lines.reduce(0) { $0 + $1.count })", Format.count(Double(lines.reduce(0) { $0 + $1.parameters })),
      Self.text(Self.sum(lines.map(\.macs))), Self.text(Self.sum(lines.map(\.flops))), "",
    ])
    return text + "\n" + table.render() + "\n\nOne MAC is two FLOPs; FLOPs include everything that is not a MAC.\n"
  }
}

extension Inspection {
  private static func text(_ count: Int?) -> String { count.map { Format.count(Double($0)) } ?? "–" }

  /// Unknown as soon as a part is.
  private static func sum(_ counts: [Int?]) -> Int? { counts.reduce(0) { sum, count in sum.flatMap { sum in count.map { sum + $0 } } } }
}

extension Graph {
  /// The value whose parameters a node reads: behind a dequantisation of weights, the stored ones; a dequantisation that
  /// costs nothing reads none itself.
  fileprivate func stored(_ input: ValueID?, readBy node: Node) -> ValueID? {
    guard let input, !isStoredView(node) else { return nil }
    guard let producer = producer(input), isStoredView(self[producer]) else { return input }
    return self[producer].inputs[0]
  }

  private func isStoredView(_ node: Node) -> Bool {
    guard node.operation is Dequantize, case .movement(let movement)? = computation(of: node) else { return false }
    return movement.kind == .view
  }
}
