import Basic
import Foundation
import Frontend
import IR
import Numerics
import Ops
import Testing

@Suite struct ONNXExportTests {
  private func temporaryFolder() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "export-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.path(percentEncoded: false)
  }

  /// What must survive writing and reading.
  private func outline(_ graph: Graph) -> [String] {
    (graph.topologicalOrder() ?? []).map { id in
      let node = graph[id]
      let types = node.outputs.map { "\(graph[$0].type)" }.joined(separator: ", ")
      return "\(node.name): \(type(of: node.operation).name) → \(types) \(node.regions.map(outline))"
    } + graph.inputs.map { "in \(graph[$0].name)" } + graph.outputs.map { "out \(graph[$0].name)" }
  }

  private static let weight = Onnx.tensor("w", [4, 3, 3, 3], raw: (0..<432).map { UInt8($0 % 251) })

  private func convolution() throws -> Graph {
    try ONNXImporter.load(
      MappedFile(
        name: "m.onnx",
        contents: Onnx.model(
          Onnx.graph(
            [Onnx.node("Conv", ["x", "w"], ["c"], name: "first"), Onnx.node("Relu", ["c"], ["y"], name: "second")],
            inputs: [Onnx.value("x", ["batch", 3, 8, 8])], outputs: [Onnx.value("y", nil)], initializers: [Self.weight])
        )))
  }

  @Test(arguments: [nil, 16]) func writingAndReadingKeepsTheGraph(externalFrom: Int?) throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let graph = try convolution()
    try ONNXExporter.write(graph, to: folder + "/m.onnx", externalFrom: externalFrom)
    #expect(FileManager.default.fileExists(atPath: folder + "/m.onnx.data") == (externalFrom != nil))
    let back = try ONNXImporter.load(path: folder + "/m.onnx")
    #expect(outline(back) == outline(graph))
    #expect(back.valueIDs.compactMap { back[$0].constant } == graph.valueIDs.compactMap { graph[$0].constant })
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasSuffix(".tmp") })
  }

  /// The oldest operator set in which the nodes mean what they say, but never older than the spelling of any of them.
  @Test(arguments: [("Relu", 13), ("HardSwish", 14), ("Gelu", 20), ("Round", 22)])
  func filesAreWrittenForTheOldestOperatorSet(_ type: String, _ opset: Int) throws {
    let bytes = Onnx.model(
      Onnx.graph([Onnx.node(type, ["x"], ["y"], name: "n")], inputs: [Onnx.value("x", [2])], outputs: [Onnx.value("y", [2])]), opset: 20)
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try ONNXExporter.write(ONNXImporter.load(MappedFile(name: "m.onnx", contents: bytes)), to: folder + "/m.onnx")
    #expect(try ONNXImporter.header(MappedFile(path: folder + "/m.onnx")).opsets[""] == opset)
  }

  @Test func regionsCaptureOuterValuesBothWays() throws {
    let branch = { (type: String, output: String) in
      Onnx.graph([Onnx.node(type, ["outer"], [output], name: type)], outputs: [Onnx.value(output, [2])])
    }
    let bytes = Onnx.model(
      Onnx.graph(
        [
          Onnx.node("Abs", ["x"], ["outer"], name: "abs"),
          Onnx.node(
            "If", ["c"], ["y"], name: "if",
            attributes: [
              Onnx.subgraph("then_branch", branch("Relu", "t")), Onnx.subgraph("else_branch", branch("Neg", "e")),
            ]),
        ],
        inputs: [Onnx.value("c", [], element: 9), Onnx.value("x", [2])], outputs: [Onnx.value("y", [2])]))
    let graph = try ONNXImporter.load(MappedFile(name: "m.onnx", contents: bytes))
    let node = try #require(graph.nodeIDs.map { graph[$0] }.first { !$0.regions.isEmpty })
    #expect(node.inputs.count == 2)
    #expect(node.regions.map(\.inputs.count) == [1, 1])
    #expect(node.regions.allSatisfy { region in region.nodeIDs.allSatisfy { region[$0].origin.names == ["if"] } })

    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try ONNXExporter.write(graph, to: folder + "/m.onnx")
    let back = try ONNXImporter.load(path: folder + "/m.onnx")
    #expect(back.nodeIDs.map { back[$0].inputs.count } == [1, 2])
  }

  @Test func fusedGroupsBecomeLocalFunctions() throws {
    var body = Rewriter(Graph(name: "body"))
    let a = body.addInput(.tensor(TensorType(.float32, [2])), name: "a")
    let relu = try body.addNode(UnaryElementwise(.relu), [a], name: "relu", origin: Origin(["relu"]))
    let abs = try body.addNode(UnaryElementwise(.abs), body.graph[relu].outputs, name: "abs", origin: Origin(["abs"]))
    body.setOutputs(body.graph[abs].outputs)
    var outer = Rewriter(Graph(name: "g"))
    let x = outer.addInput(.tensor(TensorType(.float32, [2])), name: "x")
    let group = outer.addNode(
      FusedGroup(rule: "chain"), [x], types: [.tensor(TensorType(.float32, [2]))], name: "relu+abs",
      origin: Origin(["relu", "abs"]), regions: [body.finish()])
    outer.setOutputs(outer.graph[group].outputs)

    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try ONNXExporter.write(outer.finish(), to: folder + "/m.onnx")
    let back = try ONNXImporter.load(path: folder + "/m.onnx")
    #expect(back.nodeIDs.map { back[$0].name } == ["relu+abs/relu", "relu+abs/abs"])
    #expect(back.nodeIDs.allSatisfy { back[$0].origin.names == ["relu+abs"] })
  }

  /// Scan before opset 9 repeats over a batch: written as a scan over the batch around a plain one.
  @Test func batchedScansAreWrittenNested() throws {
    let slice = Onnx.value("s", [2])
    let body = Onnx.graph(
      [Onnx.node("Add", ["h", "s"], ["n"], name: "add"), Onnx.node("Identity", ["n"], ["o"], name: "out")],
      inputs: [Onnx.value("h", [2]), slice], outputs: [Onnx.value("n", [2]), Onnx.value("o", [2])])
    let scan = Onnx.node(
      "Scan", ["", "h0", "x"], ["hn", "y"], name: "scan",
      attributes: [
        Onnx.subgraph("body", body), Message().string(1, "num_scan_inputs").integer(3, 1).integer(20, 2),
      ])
    let bytes = Onnx.model(
      Onnx.graph(
        [scan], inputs: [Onnx.value("h0", [1, 2]), Onnx.value("x", [1, 3, 2])],
        outputs: [Onnx.value("hn", nil), Onnx.value("y", nil)]), opset: 8)
    let graph = try ONNXImporter.load(MappedFile(name: "m.onnx", contents: bytes))
    let inputs: [Datum?] = [
      .tensor(Tensor([1, 2], floats: [1, 2])), .tensor(Tensor([1, 3, 2], floats: [1, 2, 3, 4, 5, 6])),
    ]
    let before = try Evaluator(path: .reference).run(graph, inputs: inputs)
    #expect(try before[0].tensor?.doubles() == [10, 14])

    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try ONNXExporter.write(graph, to: folder + "/m.onnx")
    let back = try ONNXImporter.load(path: folder + "/m.onnx")
    #expect(back.verify().isEmpty)
    let after = try Evaluator(path: .reference).run(back, inputs: inputs)
    for (a, b) in zip(after, before) { #expect(mismatch(a, b, relative: 0, absolute: 0) == nil) }
  }

  @Test func absentWeightsCannotBeWritten() throws {
    var rewriter = Rewriter(try convolution())
    let weight = try #require(rewriter.graph.valueIDs.first { rewriter.graph[$0].constant != nil })
    rewriter.setConstant(Constant(TensorType(.float32, [4, 3, 3, 3]), .absent), of: weight)
    let graph = rewriter.finish()
    let error = #expect(throws: Failure.self) { try ONNXExporter.write(graph, to: "/nowhere/m.onnx") }
    #expect(error?.description.contains("are not in the model") == true)
  }
}
