package import Basic
package import IR
internal import Ops

/// Writes a graph of any stage as an ONNX file: fused groups become local functions, node names are kept.
package enum ONNXExporter {
  /// Operator set of the written file at most: the newest that onnx 1.17 knows; see `OpsetRequirement` for older ones.
  static let opset = 22
  /// IR version that goes with it.
  static let irVersion = 10
  /// Protocol-buffers messages end at 2 GiB; beyond this weights go to a file beside the model.
  private static let inlineLimit = 1 << 30

  /// Writes `graph` to `path`; a large model's weights go to `<path>.data`. Files appear complete or not at all.
  package static func write(_ graph: Graph, to path: String) throws(Failure) {
    let weights = graph.valueIDs.reduce(0) { $0 + (graph[$1].constant?.type.storedBytes ?? 0) }
    try write(graph, to: path, externalFrom: weights > inlineLimit ? 1024 : nil)
  }

  /// - Parameter externalFrom: weights of at least this many bytes are written beside the model; nil for none.
  package static func write(_ graph: Graph, to path: String, externalFrom: Int?) throws(Failure) {
    let weightFile = (path.split(separator: "/").last.map(String.init) ?? path) + ".data"
    let session = ExportSession(externalFrom: externalFrom, weightFile: weightFile)
    let body = try GraphWriter(session).graph(graph)
    var model = WireWriter()
    let ownOpset = session.requirement.opset(newest: opset)
    let version = OpsetRequirement.irVersion(ownOpset)
    model.integer(1, session.functions.isEmpty ? version : max(version, OpsetRequirement.firstIRWithFunctions))
    model.string(2, "cyclewright")
    model.message(7, body)
    func add(_ domains: [String], to writer: inout WireWriter, field: Int) {
      for domain in domains {
        var imported = WireWriter()
        imported.string(1, domain)
        imported.integer(2, domain.isEmpty ? ownOpset : 1)
        writer.message(field, imported)
      }
    }
    add(session.domains.sorted(), to: &model, field: 8)
    for var function in session.functions {
      add(function.domains, to: &function.writer, field: 9)
      model.message(25, function.writer)
    }
    guard model.byteCount < 1 << 31 else {
      throw Failure("the model without its weights is larger than ONNX allows (2 GiB)")
    }
    let file = try OutputFile(path)
    if !session.external.isEmpty {
      try OutputFile(path + ".data").write { part in
        for data in session.external { try data.withBytes(part) }
      }
    }
    try file.write(model.write)
  }
}

/// A fused group written as a function of the model, all but the operator sets it imports.
struct LocalFunction {
  var writer: WireWriter
  /// Domains whose operators its body calls.
  var domains: [String]
}

/// What all graphs of one written model share.
final class ExportSession {
  let externalFrom: Int?
  let weightFile: String
  var domains: Set<String> = [""]
  var functions: [LocalFunction] = []
  var requirement = OpsetRequirement()
  /// Weights in the order in which they stand in the file beside the model.
  private(set) var external: [TensorData] = []
  private var externalEnd = 0
  private var valueNames: Set<String> = []
  private var functionNames: Set<String> = []

  init(externalFrom: Int?, weightFile: String) {
    self.externalFrom = externalFrom
    self.weightFile = weightFile
  }

  /// The name itself, or with a number when another value has it.
  func uniqueValue(_ name: String) -> String { ExportSession.unique(name, in: &valueNames) }
  func uniqueFunction(_ name: String) -> String { ExportSession.unique(name, in: &functionNames) }

  private static func unique(_ name: String, in used: inout Set<String>) -> String {
    let base = name.isEmpty ? "value" : name
    if used.insert(base).inserted { return base }
    var index = 1
    while !used.insert("\(base)~\(index)").inserted { index += 1 }
    return "\(base)~\(index)"
  }

  /// Where an external weight begins.
  func addExternal(_ data: TensorData) -> Int {
    external.append(data)
    defer { externalEnd += data.byteCount }
    return externalEnd
  }
}
