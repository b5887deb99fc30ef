import Basic
import Foundation
import Frontend
import IR
import Testing

@Suite struct ONNXImportTests {
  private func load(_ bytes: [UInt8], _ dimensions: [String: Int] = [:]) throws -> Graph {
    try ONNXImporter.load(MappedFile(name: "model.onnx", contents: bytes), dimensions: dimensions)
  }

  private static let weight = Onnx.tensor("w", [4, 3, 3, 3], raw: [UInt8](repeating: 0, count: 432))

  @Test func importsNodesWithNamesTypesAndOrigins() throws {
    let graph = try load(
      Onnx.model(
        Onnx.graph(
          [Onnx.node("Conv", ["x", "w"], ["c"], name: "first"), Onnx.node("Relu", ["c"], ["y"])],
          inputs: [Onnx.value("x", ["batch", 3, nil, 32])], outputs: [Onnx.value("y", nil)], initializers: [Self.weight]
        )))
    #expect(graph.verify().isEmpty)
    #expect(graph.source.nodeNames == ["first", "Relu_0"])
    #expect(graph.nodeIDs.map { graph[$0].origin.names } == [["first"], ["Relu_0"]])
    #expect(graph.tensorType(graph.outputs[0])?.shape.text == "[batch, 4, x_d2 - 2, 30]")
    #expect(graph.source.producer == "by hand")
  }

  @Test func bindsDimensionsBySymbolAndByAxis() throws {
    let bytes = Onnx.model(
      Onnx.graph(
        [Onnx.node("Relu", ["x"], ["y"])], inputs: [Onnx.value("x", ["batch", 3, nil, 32])],
        outputs: [Onnx.value("y", nil)]))
    #expect(
      try load(bytes, ["batch": 2, "x.2": 64]).tensorType(load(bytes).outputs[0])
        == TensorType(.float32, [2, 3, 64, 32]))
    #expect(
      try load(bytes, ["batch": 2, "x_d2": 64, "x.3": 8]).tensorType(load(bytes).outputs[0])
        == TensorType(.float32, [2, 3, 64, 8]))
    let error = #expect(throws: Failure.self) { try load(bytes, ["bach": 2]) }
    #expect(error?.description.contains("did you mean 'batch'?") == true)
  }

  @Test func weightsStayByteRangesOfTheFile() throws {
    let graph = try load(
      Onnx.model(
        Onnx.graph(
          [Onnx.node("Conv", ["x", "w"], ["y"])], inputs: [Onnx.value("x", [1, 3, 8, 8])],
          outputs: [Onnx.value("y", nil)],
          initializers: [Self.weight])))
    let data = try #require(graph.valueIDs.compactMap { graph[$0].constant }.first)
    guard case .bytes(let bytes) = data.payload, case .mapped = bytes.storage else {
      Issue.record("weights were copied")
      return
    }
  }

  @Test func constantNodesAreListedAsFolded() throws {
    let constant = Onnx.node(
      "Constant", [], ["w"], name: "k",
      attributes: [Message().string(1, "value").message(5, Self.weight).integer(20, 4)])
    let graph = try load(
      Onnx.model(
        Onnx.graph(
          [constant, Onnx.node("Conv", ["x", "w"], ["y"])], inputs: [Onnx.value("x", [1, 3, 8, 8])],
          outputs: [Onnx.value("y", nil)])))
    #expect(graph.folded == [FoldedNode(name: "k", reason: "constant")])
    #expect(graph.source.nodeNames == ["k", "Conv_0"])
  }

  @Test func sortsNodesThatComeTooEarly() throws {
    let graph = try load(
      Onnx.model(
        Onnx.graph(
          [Onnx.node("Relu", ["c"], ["y"], name: "late"), Onnx.node("Abs", ["x"], ["c"], name: "early")],
          inputs: [Onnx.value("x", [1])], outputs: [Onnx.value("y", nil)])))
    #expect(graph.nodeIDs.map { graph[$0].name } == ["early", "late"])
  }

  @Test func inlinesLocalFunctions() throws {
    let function = Message().string(1, "Twice").string(4, "a").string(5, "b")
      .messages(7, [Onnx.node("Relu", ["a"], ["t"]), Onnx.node("Abs", ["t"], ["b"], name: "abs")])
      .message(9, Message().integer(2, 17)).string(10, "mine")
    let graph = try load(
      Onnx.model(
        Onnx.graph(
          [
            Onnx.node("Twice", ["x"], ["m"], name: "one", domain: "mine"),
            Onnx.node("Twice", ["m"], ["y"], domain: "mine"),
          ],
          inputs: [Onnx.value("x", [7])], outputs: [Onnx.value("y", nil)]), functions: [function]))
    #expect(graph.verify().isEmpty)
    #expect(graph.nodeIDs.map { graph[$0].name } == ["one/Relu_0", "one/abs", "Twice_0/Relu_1", "Twice_0/abs"])
    #expect(graph.nodeIDs.map { graph[$0].origin.names } == [["one"], ["one"], ["Twice_0"], ["Twice_0"]])
    #expect(graph.source.nodeNames == ["one", "Twice_0"])
  }

  @Test func unknownOperatorsAreNamedOrKeptOpaque() throws {
    let bytes = Onnx.model(
      Onnx.graph(
        [Onnx.node("Frobnicate", ["x"], ["y"], name: "f", domain: "acme")], inputs: [Onnx.value("x", [2])],
        outputs: [Onnx.value("y", [5])]))
    let error = #expect(throws: Failure.self) { try load(bytes) }
    #expect(error?.description.contains("node 'f': unknown operator Frobnicate of domain acme") == true)
    let graph = try ONNXImporter.load(
      MappedFile(name: "m", contents: bytes), options: ONNXImporter.Options(allowsOpaque: true))
    #expect(graph.tensorType(graph.outputs[0]) == TensorType(.float32, [5]))
    let refusal = #expect(throws: Failure.self) { try ONNXExporter.write(graph, to: "/dev/null/none.onnx") }
    #expect(refusal?.description.contains("node 'f': acme.Frobnicate is opaque") == true, "\(refusal?.description ?? "")")
  }

  /// squeeze(-1) as exporters write it for an open extent: the rank of the result is known once the extent is.
  private static func squeezed(_ last: Message) -> [UInt8] {
    let squeezed = Onnx.graph([Onnx.node("Squeeze", ["x", "last"], ["s"], name: "squeeze")], outputs: [Onnx.value("s", nil)])
    let kept = Onnx.graph([Onnx.node("Identity", ["x"], ["k"], name: "keep")], outputs: [Onnx.value("k", nil)])
    let integers = { (values: [UInt8]) in values.flatMap { [$0] + [UInt8](repeating: $0 > 127 ? 0xFF : 0, count: 7) } }
    return Onnx.model(
      Onnx.graph(
        [
          Onnx.node("Shape", ["x"], ["shape"], name: "shape"), Onnx.node("Gather", ["shape", "last"], ["extent"], name: "gather"),
          Onnx.node("Equal", ["extent", "one"], ["isOne"], name: "equal"),
          Onnx.node(
            "If", ["isOne"], ["r"], name: "if",
            attributes: [Onnx.subgraph("then_branch", squeezed), Onnx.subgraph("else_branch", kept)]), last,
        ],
        inputs: [Onnx.value("x", [1, 2, 8, "frames"])], outputs: [Onnx.value("y", nil)],
        initializers: [
          Onnx.tensor("last", [1], element: 7, raw: integers([0xFF])), Onnx.tensor("one", [1], element: 7, raw: integers([1])),
          Onnx.tensor("w", [4, 2, 3], raw: [UInt8](repeating: 0, count: 96)),
        ]))
  }

  @Test func aRankThatDependsOnAnOpenExtentAsksForIt() throws {
    let bytes = Self.squeezed(Onnx.node("Softmax", ["r"], ["y"], name: "softmax"))
    let error = #expect(throws: Failure.self) { try load(bytes) }
    #expect(error?.description.contains("ranks may depend on open extents: try --dim 'frames=…'") == true, "\(error?.description ?? "")")
    #expect(try load(bytes, ["frames": 1]).tensorType(load(bytes, ["frames": 1]).outputs[0]) == TensorType(.float32, [1, 2, 8]))
  }

  /// A convolution has as many axes as its weight.
  @Test func anOperatorThatFixesTheRankNeedsNoExtent() throws {
    let bytes = Self.squeezed(Onnx.node("Conv", ["r", "w"], ["y"], name: "conv"))
    let open = try load(bytes)
    let shape = try #require(open.tensorType(open.outputs[0])?.shape)
    #expect(shape.count == 3 && shape[1] == 4 && shape[0].constant == nil)
    let graph = try load(bytes, ["frames": 1])
    #expect(graph.tensorType(graph.outputs[0]) == TensorType(.float32, [1, 4, 6]))
  }

  /// Names come from files: an error about them is one line and cannot steer the terminal.
  @Test func errorsCannotSteerTheTerminal() {
    let bytes = Onnx.model(
      Onnx.graph([Onnx.node("Relu", ["nowhere\u{1B}[2J"], ["y"], name: "a\nb\u{07}")], outputs: [Onnx.value("y", [2])]))
    let error = #expect(throws: Failure.self) { try load(bytes) }
    let text = error?.description ?? ""
    #expect(text.contains("node 'a b\u{FFFD}'"), "\(text)")
    for scalar in text.unicodeScalars { #expect(scalar.value >= 32 && scalar.value != 0x7F, "control character \(scalar.value)") }
  }

  @Test func misspeltOperatorsAreRecognised() throws {
    let bytes = Onnx.model(
      Onnx.graph([Onnx.node("Gelo", ["x"], ["y"], name: "g")], inputs: [Onnx.value("x", [2])], outputs: [Onnx.value("y", [2])]))
    let error = #expect(throws: Failure.self) { try load(bytes) }
    #expect(error?.description.contains("did you mean Gelu?") == true, "\(error?.description ?? "")")
  }

  @Test func opensTypedDataOfEveryWidth() throws {
    // int32_data holds narrow integers; uint4 comes packed, two to a number.
    func values(_ element: Int, _ dims: [Int], _ field: Int, _ packed: [UInt8]) throws -> [Double] {
      let tensor = Onnx.tensor("w", dims, element: element).data(field, packed)
      let graph = try load(
        Onnx.model(Onnx.graph([], outputs: [Onnx.value("w", nil, element: element)], initializers: [tensor])))
      let constant = try #require(graph.constant(graph.outputs[0]))
      let opened = try #require(Tensor(constant))
      return try opened.doubles()
    }
    #expect(try values(3, [3], 5, [1, 2] + Message.varint(UInt64(bitPattern: -3))) == [1, 2, -3])
    #expect(try values(10, [1], 5, Message.varint(0x3C00)) == [1])
    #expect(try values(16, [1], 5, Message.varint(0x4000)) == [2])
    #expect(try values(21, [3], 5, [0x21, 0x03]) == [1, 2, 3])
    #expect(try values(7, [2], 7, [5] + Message.varint(UInt64(bitPattern: -1))) == [5, -1])
    #expect(try values(1, [1], 4, [0, 0, 0x80, 0x3F]) == [1])
  }
}
