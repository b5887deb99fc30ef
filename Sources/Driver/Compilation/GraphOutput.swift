package import Basic
package import IR

/// Graphs to files, by extension.
package enum GraphOutput {
  package static func write(_ graph: Graph, to path: String) throws(Failure) {
    guard path.hasSuffix(".cwg") || path == "-" else {
      throw Failure("cannot write a graph as '\(path)'", fix: "use .cwg for text")
    }
    var graph = graph
    // The folder a model was read from is nobody else's business.
    graph.source.file = graph.source.file.split(separator: "/").last.map(String.init) ?? ""
    try FileOutput.write(GraphText.print(graph), to: path)
  }
}
