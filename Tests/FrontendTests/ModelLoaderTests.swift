import Basic
import Foundation
import Frontend
import IR
import Ops
import Testing

@Suite struct ModelLoaderTests {
  /// Writes `contents` to a file, loads it and removes it.
  private func load(_ contents: [UInt8], _ dimensions: [String: Int]) throws -> Graph {
    let path = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID().uuidString)").path(
      percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(contents).write(to: URL(fileURLWithPath: path))
    return try ModelLoader.load(path: path, dimensions: dimensions)
  }

  /// Of inputs and node results, in order.
  private func types(_ graph: Graph) -> [ValueType] {
    (graph.inputs + (graph.topologicalOrder() ?? []).flatMap { graph[$0].outputs }).map { graph[$0].type }
  }

  private static let onnx = Onnx.model(
    Onnx.graph(
      [Onnx.node("Conv", ["x", "w"], ["c"]), Onnx.node("Relu", ["c"], ["y"])],
      inputs: [Onnx.value("x", ["batch", 3, "h", 9])], outputs: [Onnx.value("y", nil)],
      initializers: [Onnx.tensor("w", [4, 3, 3, 3], raw: [UInt8](repeating: 0, count: 432))]))

  @Test func textAndONNXBindToTheSameTypes() throws {
    let text = Array(GraphText.print(try load(Self.onnx, [:])).utf8)
    for dimensions in [[:], ["batch": 2], ["x.0": 2, "h": 11], ["batch": 1, "h": 5, "x.3": 7]] {
      let a = try load(Self.onnx, dimensions)
      let b = try load(text, dimensions)
      #expect(types(a) == types(b))
    }
  }

  @Test func boundExtentsThatDoNotFitAreErrors() throws {
    let error = #expect(throws: Failure.self) { try load(Self.onnx, ["h": 1]) }
    #expect(error?.description.contains("window-fits") == true)
    #expect(throws: Failure.self) { try load(Self.onnx, ["h": -4]) }
  }

  @Test func unreadableFilesAreErrors() {
    for path in ["/nonexistent/model.onnx", "/tmp", "/dev/null"] {
      #expect(throws: Failure.self) { try ModelLoader.load(path: path) }
    }
  }
}
