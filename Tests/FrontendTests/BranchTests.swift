import Basic
import Frontend
import IR
import Numerics
import Ops
import Testing

/// Branches whose types do not fit, or which are decided before a run.
@Suite struct BranchTests {
  private func load(_ bytes: [UInt8], _ dimensions: [String: Int] = [:]) throws -> Graph {
    try ONNXImporter.load(MappedFile(name: "model.onnx", contents: bytes), dimensions: dimensions)
  }

  /// Two products of x [n, k], one with a matrix of 8 rows, one with a matrix of 6.
  private static let products: [UInt8] = {
    func branch(_ rows: Int, _ name: String) -> Message {
      Onnx.graph(
        [Onnx.node("MatMul", ["x", "w\(name)"], [name], name: "times-\(rows)")], outputs: [Onnx.value(name, nil)],
        initializers: [Onnx.tensor("w\(name)", [rows, 2], raw: [UInt8](repeating: 0, count: rows * 8))])
    }
    return Onnx.model(
      Onnx.graph(
        [
          Onnx.node(
            "If", ["c"], ["y"], name: "choice",
            attributes: [Onnx.subgraph("then_branch", branch(8, "t")), Onnx.subgraph("else_branch", branch(6, "e"))])
        ],
        inputs: [Onnx.value("c", [], element: 9), Onnx.value("x", ["n", "k"])], outputs: [Onnx.value("y", nil)]))
  }()

  private func run(_ graph: Graph, _ condition: Bool, columns: Int) throws -> [Int]? {
    let x = Tensor([1, columns], floats: [Float](repeating: 1, count: columns))
    return try Evaluator.run(graph, inputs: [.tensor(Tensor(.bool, [], .bool([condition]))), .tensor(x)])[0].tensor?.shape
  }

  @Test func openExtentsFitBothBranches() throws {
    let graph = try load(Self.products)
    #expect(graph.unreachableBranches.isEmpty)
    #expect(try run(graph, true, columns: 8) == [1, 2])
    #expect(try run(graph, false, columns: 6) == [1, 2])
  }

  @Test func aBranchThatDoesNotFitIsUnreachable() throws {
    let graph = try load(Self.products, ["k": 8, "n": 1])
    let found = try #require(graph.unreachableBranches.first)
    #expect(found.node == "choice" && found.branch == "else")
    #expect(found.reason.contains("choice/times-6") && found.reason.hasSuffix("]"))
    #expect(graph.verify().isEmpty && graph.verifyTypes().isEmpty)
    #expect(graph.tensorType(graph.outputs[0])?.shape == [1, 2])
    #expect(try run(graph, true, columns: 8) == [1, 2])
    let error = #expect(throws: Failure.self) { try run(graph, false, columns: 8) }
    #expect(error?.description.contains("node 'choice': the else branch does not fit these extents: node 'choice/times-6'") == true)
    let text = GraphText.print(graph)
    let back = try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
    #expect(back.unreachableBranches.map(\.reason) == [found.reason])
    // What is charged is the branch that runs.
    let node = try #require(graph.nodeIDs.map { graph[$0] }.first)
    #expect(graph.computation(of: node)?.work.macs == 16)
  }

  @Test func twoBranchesThatDoNotFitAreErrorsThatNameBoth() throws {
    let error = #expect(throws: Failure.self) { try load(Self.products, ["k": 7]) }
    #expect(error?.diagnostics.count == 2)
    #expect(error?.description.contains("times-8") == true && error?.description.contains("times-6") == true)
  }

  @Test func aBranchThatFitsNoExtentsIsAnError() throws {
    let add = Onnx.node("Add", ["p", "q"], ["s"], name: "add")
    let broken = Onnx.graph(
      [add, Onnx.node("MatMul", ["x", "s"], ["t"])], outputs: [Onnx.value("t", nil)],
      initializers: [
        Onnx.tensor("p", [2], raw: [UInt8](repeating: 0, count: 8)), Onnx.tensor("q", [3], raw: [UInt8](repeating: 0, count: 12)),
      ])
    let whole = Onnx.graph([Onnx.node("Relu", ["x"], ["e"])], outputs: [Onnx.value("e", nil)])
    let bytes = Onnx.model(
      Onnx.graph(
        [
          Onnx.node(
            "If", ["c"], ["y"], name: "choice",
            attributes: [Onnx.subgraph("then_branch", broken), Onnx.subgraph("else_branch", whole)])
        ],
        inputs: [Onnx.value("c", [], element: 9), Onnx.value("x", [4, 2])], outputs: [Onnx.value("y", nil)]))
    let error = #expect(throws: Failure.self) { try load(bytes) }
    #expect(error?.description.contains("choice/add") == true)
  }

  /// Exporters squeeze an open axis under a test of its extent; a bound extent decides it.
  private static let squeeze = Onnx.model(
    Onnx.graph(
      [
        Onnx.node("Shape", ["x"], ["s"], name: "shape"), Onnx.node("Gather", ["s", "last"], ["extent"], name: "extent"),
        Onnx.node("Equal", ["extent", "one"], ["isOne"], name: "is-one"),
        Onnx.node(
          "If", ["isOne"], ["y"], name: "squeeze-or-not",
          attributes: [
            Onnx.subgraph(
              "then_branch", Onnx.graph([Onnx.node("Squeeze", ["x", "axis"], ["t"], name: "squeeze")], outputs: [Onnx.value("t", nil)])),
            Onnx.subgraph("else_branch", Onnx.graph([Onnx.node("Abs", ["x"], ["e"], name: "abs")], outputs: [Onnx.value("e", nil)])),
          ]), Onnx.node("Neg", ["y"], ["z"], name: "neg"),
      ],
      inputs: [Onnx.value("x", ["a", "b"])], outputs: [Onnx.value("z", nil)],
      initializers: [
        Onnx.tensor("last", [], element: 7, raw: [1, 0, 0, 0, 0, 0, 0, 0]),
        Onnx.tensor("one", [], element: 7, raw: [1, 0, 0, 0, 0, 0, 0, 0]),
        Onnx.tensor("axis", [1], element: 7, raw: [1, 0, 0, 0, 0, 0, 0, 0]),
      ]))

  @Test(arguments: [(1, "squeeze", "[a]"), (3, "abs", "[a, 3]")])
  func aDecidedBranchStandsInPlaceOfItsNode(_ extent: Int, _ type: String, _ shape: String) throws {
    let graph = try load(Self.squeeze, ["b": extent])
    #expect(graph.nodeIDs.allSatisfy { graph[$0].regions.isEmpty })
    let chosen = try #require(graph.nodeIDs.map { graph[$0] }.first { $0.name.hasPrefix("squeeze-or-not/") })
    #expect(chosen.name == "squeeze-or-not/\(type)" && chosen.origin.names == ["squeeze-or-not"])
    #expect(graph.tensorType(graph.outputs[0])?.shape.text == shape)
    #expect(graph.unreachableBranches.isEmpty)
  }

  @Test func anOpenExtentDecidesNothing() throws {
    let graph = try load(Self.squeeze)
    #expect(graph.nodeIDs.contains { !graph[$0].regions.isEmpty })
    #expect(graph[graph.outputs[0]].type == .unranked(.float32))
  }

  @Test func aBoundScalarDecides() throws {
    let graph = try load(Self.products, ["c": 0])
    #expect(graph.nodeIDs.map { graph[$0].name } == ["choice/times-6"])
    #expect(graph.inputs.map { graph[$0].name } == ["c", "x"])
    #expect(try run(graph, true, columns: 6) == [1, 2])
    let error = #expect(throws: Failure.self) { try load(Self.products, ["c": 1, "k": 6]) }
    #expect(error?.description.contains("times-8") == true)
    let text = try GraphText.parse(GraphText.print(load(Self.products)), file: "g.cwg", operators: OperatorCatalog.byName)
    #expect(try text.bindingInputs(["c": 0], file: "g.cwg").inputs.count == 2)
  }
}

/// What `--dim` may ask for.
@Suite struct DimensionRequestTests {
  private func load(_ dimensions: [String: Int]) throws -> Graph {
    let bytes = Onnx.model(
      Onnx.graph(
        [Onnx.node("Relu", ["x"], ["y"])],
        inputs: [Onnx.value("x", ["batch", 3, "height", 32]), Onnx.value("f", [])], outputs: [Onnx.value("y", nil)]))
    return try ONNXImporter.load(MappedFile(name: "model.onnx", contents: bytes), dimensions: dimensions)
  }

  @Test(arguments: [
    ("hight", 3, "no dimension 'hight': open are batch, height (did you mean 'height'?)"),
    ("x.7", 3, "input 'x' has no axis 7: its axes are 0 to 3"), ("x.-1", 3, "input 'x' has no axis -1: its axes are 0 to 3"),
    ("f.0", 3, "input 'f' has no axis 0: it has no axes"), ("f", 3, "input 'f' has no axes and holds no integer"),
    ("batch", -2, "dimension batch=-2: an extent is not negative"),
    ("batch", 1 << 41, "dimension batch=2199023255552: an extent is at most 2^40"),
    ("X.1", 3, "did you mean 'x.1'?"),
  ])
  func impossibleRequestsSayWhatIsWrong(_ key: String, _ extent: Int, _ message: String) throws {
    let error = #expect(throws: Failure.self) { try load([key: extent]) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func aReplacedExtentIsTold() throws {
    #expect(try load(["x.3": 64]).source.replacements == ["axis 3 of input 'x' is 64; the file fixes it at 32"])
    #expect(try load(["x.3": 32, "x.2": 5]).source.replacements.isEmpty)
  }
}
