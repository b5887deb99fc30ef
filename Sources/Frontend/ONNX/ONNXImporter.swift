package import Basic
package import IR

/// Reads an ONNX file into a verified graph.
package enum ONNXImporter {
  package typealias Options = ImportOptions

  /// Reads the model at `path`; weights stay byte ranges of the mapped file.
  ///
  /// - Parameter dimensions: extents by symbol (`batch`) or by input and axis (`x.2`).
  package static func load(
    path: String, dimensions: [String: Int] = [:], options: Options = Options()
  ) throws(Failure) -> Graph {
    try load(try MappedFile(path: path), dimensions: dimensions, options: options)
  }

  package static func load(
    _ file: MappedFile, dimensions: [String: Int] = [:], options: Options = Options()
  ) throws(Failure) -> Graph {
    var parser = MessageParser(file)
    let model = try parser.model()
    guard let main = model.graph else {
      throw Failure("malformed model: there is no graph in the file", at: SourceLocation(file: file.name, byte: 0))
    }
    let session = ImportSession(file: file, model: model, options: options)
    try session.checkOperators(main)
    session.extents = try DimensionBinder(dimensions, inputs: main.inputs.map { ($0.name, $0.type) }, file: file.name)
    let builder = GraphBuilder(session: session, name: main.name)
    let scope = Scope(opsets: session.opsets(model.opsets))
    try builder.build(main, scope: scope)
    try session.extents.checkUse(file: file.name)
    var graph = builder.finished
    graph.source.file = file.name
    graph.source.format = "onnx"
    graph.source.producer = [model.producer, model.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
    graph.source.nodeNames = builder.sourceNames
    graph.source.replacements = session.extents.replacements
    return graph
  }

  /// Who wrote a model, and for which operator sets.
  package struct Header: Sendable {
    package var irVersion: Int
    package var producer: String
    package var producerVersion: String
    /// Version by domain; the empty domain is ai.onnx.
    package var opsets: [String: Int]
  }

  /// The header alone, without opening the graph.
  package static func header(_ file: MappedFile) throws(Failure) -> Header {
    var parser = MessageParser(file)
    let model = try parser.header()
    guard model.graph != nil else {
      throw Failure("malformed model: there is no graph in the file", at: SourceLocation(file: file.name, byte: 0))
    }
    return Header(
      irVersion: model.irVersion, producer: model.producer, producerVersion: model.producerVersion, opsets: model.opsets
    )
  }
}
