internal import Frontend
package import Basic
package import IR
internal import Frontend

/// Graphs to files, by extension: `.cwg` is text, `.onnx` is ONNX.
package enum GraphOutput {
  package static func write(_ graph: Graph, to path: String) throws(Failure) {
    if path.hasSuffix(".onnx") { return try ONNXExporter.write(graph, to: path) }
    guard path.hasSuffix(".cwg") || path == "-" else {
      throw Failure("cannot write a graph as '\(path)'", fix: "use .cwg for text or .onnx")
    }
    var graph = graph
    // The folder a model was read from is nobody else's business.
    graph.source.file = graph.source.file.split(separator: "/").last.map(String.init) ?? ""
    try FileOutput.write(GraphText.print(graph), to: path)
  }
}
