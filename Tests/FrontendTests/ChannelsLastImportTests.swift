import Basic
import Foundation
import Frontend
import IR
import Numerics
import Ops
import Testing

/// Convolutions of com.microsoft whose images have channels last and whose filters have not.
@Suite struct ChannelsLastImportTests {
  private static func floats(_ values: Float...) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  /// x [1, 2, 1, 2] of two rows and two channels, w [1, 2, 2, 1]: 1·1 + 10·3 + 100·2 + 1000·4 = 4231.
  private func load(_ type: String, _ inputs: [String], _ attributes: [Message] = []) throws -> Graph {
    let bytes = Onnx.model(
      Onnx.graph(
        [Onnx.node(type, inputs, ["y"], name: "conv", domain: "com.microsoft", attributes: attributes)],
        inputs: [Onnx.value("x", [1, 2, 1, 2])], outputs: [Onnx.value("y", [1, 1, 1, 1])],
        initializers: [
          Onnx.tensor("w", [1, 2, 2, 1], raw: Self.floats(1, 10, 100, 1000)), Onnx.tensor("b", [1], raw: Self.floats(0.5)),
          Onnx.tensor("low", [1, 1, 1, 1], raw: Self.floats(-5000)), Onnx.tensor("high", [1, 1, 1, 1], raw: Self.floats(9)),
        ]))
    return try ONNXImporter.load(MappedFile(name: "m.onnx", contents: bytes))
  }

  private func run(_ graph: Graph) throws -> [Float] {
    try Evaluator.run(graph, inputs: [.tensor(Tensor([1, 2, 1, 2], floats: [1, 2, 3, 4]))])[0].tensor?.floats() ?? []
  }

  @Test func filtersAreTurned() throws {
    let graph = try load("NhwcConv", ["x", "w", "b"])
    #expect(graph.tensorType(graph.outputs[0])?.constantShape == [1, 1, 1, 1])
    #expect(graph.verifyTypes().isEmpty)
    #expect(try run(graph) == [4231.5])
  }

  @Test func sumsAndActivationsFollow() throws {
    let relu = Message().string(1, "activation").string(4, "Relu").integer(20, 3)
    #expect(try run(load("NhwcFusedConv", ["x", "w"])) == [4231])
    #expect(try run(load("NhwcFusedConv", ["x", "w", "b", "low"], [relu])) == [0])
    #expect(try run(load("NhwcFusedConv", ["x", "w", "", "high"], [relu])) == [4240])
  }

  @Test(arguments: [("NhwcConv", ["x", "w", "b"]), ("NhwcFusedConv", ["x", "w", "", "high"])])
  func theyAreWrittenBetweenTranspositions(_ type: String, _ inputs: [String]) throws {
    let graph = try load(type, inputs)
    let path = FileManager.default.temporaryDirectory.appending(path: "nhwc-\(UUID().uuidString).onnx").path(percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ONNXExporter.write(graph, to: path)
    #expect(try run(ONNXImporter.load(path: path)) == run(graph))
  }
}
