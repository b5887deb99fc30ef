import Basic
import Frontend
import IR
import Numerics
import Ops
import Testing

/// TFLite files made here, read, and computed.
@Suite struct TFLiteImportTests {
  static func load(_ model: Flat, opaque: Bool = false) throws -> Graph {
    let graph = try TFLiteImporter.load(
      MappedFile(name: "made.tflite", contents: model.file), options: ImportOptions(allowsOpaque: opaque))
    #expect(graph.verify().isEmpty)
    #expect(graph.verifyTypes().isEmpty)
    return graph
  }

  private static func run(_ graph: Graph, _ inputs: [Tensor]) throws -> [Tensor] {
    try Evaluator(path: .reference).run(graph, inputs: inputs.map { .tensor($0) }).compactMap(\.tensor)
  }

  /// [1, 2, 2, 1] image, two filters of 1 × 1: 2x + 1 and −x, limited to 0 … 6.
  @Test func convolutionKeepsChannelsLast() throws {
    let model = Lite.model(
      [
        Lite.Tensor("x", Lite.float32, [1, 2, 2, 1]), Lite.Tensor("w", Lite.float32, [2, 1, 1, 1], Lite.floats([2, -1])),
        Lite.Tensor("b", Lite.float32, [2], Lite.floats([1, 0])), Lite.Tensor("layer;fused", Lite.float32, [1, 2, 2, 2]),
      ],
      [Lite.Node(code: 3, inputs: [0, 1, 2], outputs: [3], options: [1: .i32(1), 2: .i32(1), 3: .i8(3)])], inputs: [0], outputs: [3])
    let graph = try Self.load(model)
    #expect(graph.source.nodeNames == ["layer"])
    #expect(!graph.nodeIDs.contains { graph[$0].operation is Transpose })
    let y = try Self.run(graph, [Tensor([1, 2, 2, 1], floats: [0, 1, 2, -3])])[0]
    #expect(try y.floats() == [1, 0, 3, 0, 5, 0, 0, 3])
  }

  /// Stored numbers through real ones: the scales of x, w and y are 0.5, 0.25 | 0.5 and 1.
  @Test func quantizedLayerStoresWhatTheArithmeticGives() throws {
    let model = Lite.model(
      [
        Lite.Tensor("x", Lite.int8, [1, 2], scales: [0.5], zeros: [-1]),
        Lite.Tensor("w", Lite.int8, [2, 2], Lite.bytes([4, 8, -6, 2]), scales: [0.25, 0.5], zeros: [0, 0]),
        Lite.Tensor("b", Lite.int32, [2], Lite.integers([8, -4])),
        Lite.Tensor("y", Lite.int8, [1, 2], scales: [1], zeros: [3]),
      ],
      [Lite.Node(code: 9, inputs: [0, 1, 2], outputs: [3])], inputs: [0], outputs: [3])
    let graph = try Self.load(model)
    #expect(graph.tensorType(graph.outputs[0])?.element == .int8)
    let gemm = try #require(graph.nodeIDs.first { graph[$0].operation is Gemm })
    let stored = graph[gemm].inputs.prefix(2).map { graph.tensorType($0)?.encoding.quantization }
    #expect(stored[0]?.storage == .int8 && stored[0]?.granularity == .tensor && stored[0]?.isAsymmetric == true)
    #expect(stored[1]?.storage == .int8 && stored[1]?.granularity == .channel(axis: 0) && stored[1]?.isAsymmetric == false)
    // x = (3, 5) stands for (2, 3): 2·1 + 3·2 + 8·0.125 = 9, and 2·(−3) + 3·1 − 4·0.25 = −4.
    let y = try Self.run(graph, [Tensor(.int8, [1, 2], .int8([3, 5]))])[0]
    #expect(try y.integers() == [12, -1])
  }

  /// Rectification that the range of the stored result implies adds no node; one that cuts into it does.
  @Test(arguments: [(zero: -128, nodes: 0), (zero: 0, nodes: 1)])
  func activationOfStoredResults(_ example: (zero: Int, nodes: Int)) throws {
    let model = Lite.model(
      [
        Lite.Tensor("a", Lite.int8, [4], scales: [0.1], zeros: [0]), Lite.Tensor("b", Lite.int8, [4], scales: [0.1], zeros: [0]),
        Lite.Tensor("y", Lite.int8, [4], scales: [0.2], zeros: [example.zero]),
      ],
      [Lite.Node(code: 0, inputs: [0, 1], outputs: [2], options: [0: .i8(1)])], inputs: [0, 1], outputs: [2])
    let graph = try Self.load(model)
    #expect(graph.nodeIDs.count { (graph[$0].operation as? UnaryElementwise)?.function == .relu } == example.nodes)
    let a = Tensor(.int8, [4], .int8([10, -10, 100, -100]))
    #expect(try Self.run(graph, [a, a])[0].integers() == [10, 0, 100, 0].map { $0 + Int64(example.zero) })
  }

  struct StridedCase: Sendable {
    var begin: [Int]
    var end: [Int]
    var steps: [Int]
    var masks: [Int] = [0, 0, 0, 0, 0]
    var shape: [Int]
    var result: [Int]
  }

  /// On [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]; masks are begin, end, ellipsis, new axis, shrink.
  @Test(arguments: [
    StridedCase(begin: [1, 1], end: [3, 3], steps: [1, 1], shape: [2, 2], result: [5, 6, 9, 10]),
    StridedCase(begin: [0, 0], end: [0, 0], steps: [2, 3], masks: [0, 3, 0, 0, 0], shape: [2, 2], result: [0, 3, 8, 11]),
    StridedCase(begin: [2, 0], end: [0, 2], steps: [-1, 1], masks: [0, 1, 0, 0, 0], shape: [3, 2], result: [8, 9, 4, 5, 0, 1]),
    StridedCase(begin: [-1, 0], end: [0, 4], steps: [1, 2], masks: [0, 0, 0, 0, 1], shape: [2], result: [8, 10]),
    StridedCase(begin: [0, 1], end: [0, 2], steps: [1, 1], masks: [0, 0, 1, 0, 2], shape: [3], result: [1, 5, 9]),
    StridedCase(begin: [0, 1, 0], end: [0, 2, 1], steps: [1, 1, 1], masks: [0, 0, 0, 1, 0], shape: [1, 1, 1], result: [4]),
  ])
  func stridedSlices(_ example: StridedCase) throws {
    let options = Dictionary(uniqueKeysWithValues: example.masks.enumerated().map { ($0, Flat.i32($1)) })
    func numbers(_ name: String, _ values: [Int]) -> Lite.Tensor { Lite.Tensor(name, Lite.int32, [values.count], Lite.integers(values)) }
    let model = Lite.model(
      [
        Lite.Tensor("x", Lite.float32, [3, 4]), numbers("begin", example.begin), numbers("end", example.end),
        numbers("steps", example.steps), Lite.Tensor("y", Lite.float32, example.shape),
      ],
      [Lite.Node(code: 45, inputs: [0, 1, 2, 3], outputs: [4], options: options)], inputs: [0], outputs: [4])
    let y = try Self.run(try Self.load(model), [Tensor([3, 4], floats: (0..<12).map(Float.init))])[0]
    #expect(y.shape == example.shape)
    #expect(try y.integers() == example.result.map(Int64.init))
  }

  /// x[:, i] of [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]] with i known at run time only; -1 is the last column.
  @Test(arguments: [(column: 2, result: [2, 6, 10]), (column: -1, result: [3, 7, 11])])
  func slicePickedAtRunTime(_ example: (column: Int, result: [Int])) throws {
    let model = Lite.model(
      [
        Lite.Tensor("x", Lite.float32, [3, 4]), Lite.Tensor("begin", Lite.int32, [2]), Lite.Tensor("end", Lite.int32, [2]),
        Lite.Tensor("steps", Lite.int32, [2], Lite.integers([1, 1])), Lite.Tensor("y", Lite.float32, [3]),
      ],
      [Lite.Node(code: 45, inputs: [0, 1, 2, 3], outputs: [4], options: [0: .i32(1), 1: .i32(1), 4: .i32(2)])],
      inputs: [0, 1, 2], outputs: [4])
    let begin = Tensor(.int32, [2], .int32([0, Int32(example.column)]))
    let y = try Self.run(try Self.load(model), [Tensor([3, 4], floats: (0..<12).map(Float.init)), begin, begin])[0]
    #expect(y.shape == [3])
    #expect(try y.integers() == example.result.map(Int64.init))
  }

  /// Rank 2, one unit: two filters over two features, memories of two runs. y = 1·1 + 10·3 + 100·2 + 1000·4 on the second run.
  @Test func filterOverTimeKeepsItsMemory() throws {
    let model = Lite.model(
      [
        Lite.Tensor("x", Lite.float32, [1, 2]), Lite.Tensor("features", Lite.float32, [2, 2], Lite.floats([1, 0, 0, 1])),
        Lite.Tensor("time", Lite.float32, [2, 2], Lite.floats([1, 10, 100, 1000])), Lite.Tensor("memory", Lite.float32, [1, 4]),
        Lite.Tensor("y", Lite.float32, [1, 1]),
      ],
      [Lite.Node(code: 27, inputs: [0, 1, 2, -1, 3], outputs: [4], options: [0: .i32(2)])], inputs: [0], outputs: [4])
    let graph = try Self.load(model)
    let first = try Self.run(graph, [Tensor([1, 2], floats: [1, 2]), Tensor([1, 4], floats: [0, 0, 0, 0])])
    #expect(try first.map { try $0.floats() } == [[2010], [0, 1, 0, 2]])
    let second = try Self.run(graph, [Tensor([1, 2], floats: [3, 4]), first[1]])
    #expect(try second.map { try $0.floats() } == [[4231], [1, 3, 2, 4]])
  }

  /// A custom operator of MediaPipe: a transposed convolution with a bias, its options a C structure.
  @Test func transposedConvolutionOfMediaPipe() throws {
    let model = Lite.model(
      [
        Lite.Tensor("x", Lite.float32, [1, 1, 2, 1]), Lite.Tensor("w", Lite.float32, [1, 2, 2, 1], Lite.floats([1, 2, 3, 4])),
        Lite.Tensor("b", Lite.float32, [1], Lite.floats([0.5])), Lite.Tensor("y", Lite.float32, [1, 2, 4, 1]),
      ],
      [
        Lite.Node(
          code: 32, custom: "Convolution2DTransposeBias", inputs: [0, 1, 2], outputs: [3],
          customOptions: [2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0])
      ], inputs: [0], outputs: [3])
    let y = try Self.run(try Self.load(model), [Tensor([1, 1, 2, 1], floats: [1, 10])])[0]
    #expect(y.shape == [1, 2, 4, 1])
    #expect(try y.floats() == [1.5, 2.5, 10.5, 20.5, 3.5, 4.5, 30.5, 40.5])
  }

  /// [[0, 0, 3], [4, 0, 0]] as rows with compressed columns.
  @Test func sparseWeightsAreSpreadOut() throws {
    var w = Lite.Tensor("w", Lite.float32, [2, 3], Lite.floats([3, 4]))
    w.sparsity = .table([
      0: .i32s([0, 1]),
      2: .tables([
        .table([0: .i8(0), 1: .i32(2)]),
        .table([
          0: .i8(1), 2: .i8(1), 3: .table([0: .i32s([0, 1, 2])]), 4: .i8(3), 5: .table([0: .bytes([2, 0])]),
        ]),
      ]),
    ])
    let model = Lite.model(
      [w, Lite.Tensor("dense", Lite.float32, [2, 3]), Lite.Tensor("x", Lite.float32, [2, 3]), Lite.Tensor("y", Lite.float32, [2, 3])],
      [Lite.Node(code: 124, inputs: [0], outputs: [1]), Lite.Node(code: 0, inputs: [1, 2], outputs: [3])], inputs: [2], outputs: [3])
    let graph = try Self.load(model)
    let y = try Self.run(graph, [Tensor([2, 3], floats: [1, 1, 1, 1, 1, 1])])[0]
    #expect(try y.floats() == [1, 1, 4, 5, 1, 1])
    #expect(graph.folded.map(\.name) == ["dense"])
  }

  /// A sum over runs: the state is an input and an output.
  @Test func variablesBecomeInputsAndOutputs() throws {
    let model = Lite.model(
      [
        Lite.Tensor("x", Lite.float32, [2]), Lite.Tensor("handle", Lite.resource, []), Lite.Tensor("old", Lite.float32, [2]),
        Lite.Tensor("new", Lite.float32, [2]),
      ],
      [
        Lite.Node(code: 142, inputs: [], outputs: [1], options: [1: .string("sum")]),
        Lite.Node(code: 143, inputs: [1], outputs: [2]), Lite.Node(code: 0, inputs: [0, 2], outputs: [3]),
        Lite.Node(code: 144, inputs: [1, 3], outputs: []),
      ], inputs: [0], outputs: [3])
    let graph = try Self.load(model)
    #expect(graph.inputs.map { graph[$0].name } == ["x", "sum"])
    #expect(graph.outputs.count == 2)
    let results = try Self.run(graph, [Tensor([2], floats: [1, 2]), Tensor([2], floats: [10, 20])])
    #expect(try results.map { try $0.floats() } == [[11, 22], [11, 22]])
  }

  private static let pair = ["a", "b", "c"].map { Lite.Tensor($0, Lite.float32, [2]) }

  /// if c then a + b else a · b
  @Test(arguments: [(condition: true, result: [4, 6]), (condition: false, result: [3, 8])])
  func branches(_ example: (condition: Bool, result: [Int])) throws {
    let model = Lite.model(
      [Lite.Tensor("condition", Lite.bool, [1])] + Self.pair,
      [Lite.Node(code: 118, inputs: [0, 1, 2], outputs: [3], options: [0: .i32(1), 1: .i32(2)])], inputs: [0, 1, 2], outputs: [3],
      regions: [0, 18].map { Lite.Region(tensors: Self.pair, code: $0, inputs: [0, 1], operands: [0, 1], outputs: [2], results: [2]) })
    let inputs = [Tensor(.bool, [1], .bool([example.condition])), Tensor([2], floats: [1, 2]), Tensor([2], floats: [3, 4])]
    #expect(try Self.run(try Self.load(model), inputs)[0].floats() == example.result.map(Float.init))
  }

  /// while x < limit: x = x + step
  @Test func loops() throws {
    let carried = ["x", "step", "limit"].map { Lite.Tensor($0, Lite.float32, [1]) }
    let model = Lite.model(
      carried + carried, [Lite.Node(code: 119, inputs: [0, 1, 2], outputs: [3, 4, 5], options: [0: .i32(1), 1: .i32(2)])],
      inputs: [0, 1, 2], outputs: [3],
      regions: [
        Lite.Region(
          tensors: carried + [Lite.Tensor("less", Lite.bool, [1])], code: 58, inputs: [0, 1, 2], operands: [0, 2], outputs: [3],
          results: [3]),
        Lite.Region(
          tensors: carried + [Lite.Tensor("sum", Lite.float32, [1])], code: 0, inputs: [0, 1, 2], operands: [0, 1], outputs: [3],
          results: [3, 1, 2]),
      ])
    let inputs = [0, 3, 10].map { Tensor([1], floats: [$0]) }
    #expect(try Self.run(try Self.load(model), inputs)[0].floats() == [12])
  }

  /// A graph that names itself is refused, whatever the nesting.
  @Test func endlessNestingIsRefused() throws {
    let model = Lite.model(
      [Lite.Tensor("condition", Lite.bool, [1])] + Self.pair,
      [Lite.Node(code: 118, inputs: [0, 0, 1, 2], outputs: [3], options: [0: .i32(0), 1: .i32(0)])], inputs: [0, 1, 2], outputs: [3])
    let failure = #expect(throws: Failure.self) { try Self.load(model) }
    #expect("\(try #require(failure))".contains("nested more than 16 deep"))
  }

  private static let custom = Lite.model(
    [Lite.Tensor("x", Lite.float32, [4]), Lite.Tensor("boxes", Lite.float32, [1, 4])],
    [Lite.Node(code: 32, custom: "TFLite_Detection_PostProcess", inputs: [0], outputs: [1])], inputs: [0], outputs: [1])

  @Test func unknownOperatorsAreNamed() throws {
    let failure = #expect(throws: Failure.self) { try Self.load(Self.custom) }
    let text = "\(try #require(failure))"
    #expect(text.contains("node 'boxes': unknown operator custom TFLite_Detection_PostProcess"))
    #expect(text.contains("--allow-opaque"))
  }

  @Test func unknownOperatorsMayStayOpaque() throws {
    let graph = try Self.load(Self.custom, opaque: true)
    #expect(graph.nodeIDs.map { graph[$0].operation is OpaqueOperator } == [true])
    #expect(graph.tensorType(graph.outputs[0])?.constantShape == [1, 4])
  }
}
