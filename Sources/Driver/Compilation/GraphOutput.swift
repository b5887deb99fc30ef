package import Basic
package import IR

/// Graphs to files, by extension.
package enum GraphOutput {
  package static func write(_ graph: Graph, to path: String) throws(Failure) {
    guard path.hasSuffix(".cwg") || path == "-" else {
      throw Failure("cannot write a graph as '\(path)'", fix: "use .cwg for text")
    }
    try FileOutput.write(GraphText.print(graph), to: path)
  }
}
