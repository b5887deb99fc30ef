import Basic
import IR
import Ops
import Testing

@testable import Compression

/// Keys and values of earlier steps in few bits.
@Suite("Key and value cache")
struct KeyValueCacheTests {
  static func type(_ shape: [Int]) -> ValueType { .tensor(TensorType(.float32, shape.map { Dimension(integerLiteral: $0) })) }

  static func add(_ operation: any Operator, _ inputs: [ValueID], _ name: String, _ rewriter: inout Rewriter) throws -> ValueID {
    let node = try rewriter.addNode(operation, inputs.map { $0 }, name: name, origin: Origin([name]))
    return rewriter.graph[node].outputs[0]
  }

  /// Attention on caches that an engine writes in place; the new entries are results of their own.
  static func inPlace() throws -> Graph {
    var rewriter = Rewriter(Graph(name: "decode"))
    let query = rewriter.addInput(type([4, 2, 1, 8]), name: "query")
    let keys = rewriter.addInput(type([4, 2, 16, 8]), name: "cache.key")
    let values = rewriter.addInput(type([4, 2, 16, 8]), name: "cache.value")
    let key = try add(UnaryElementwise(.neg), [query], "key", &rewriter)
    let value = try add(UnaryElementwise(.abs), [query], "value", &rewriter)
    let attended = try add(ScaledDotProductAttention(), [query, keys, values], "attention", &rewriter)
    rewriter.setOutputs([attended, key, value])
    return rewriter.finish()
  }

  /// A past to which the step's entries are appended; products read the whole.
  static func appended() throws -> Graph {
    var rewriter = Rewriter(Graph(name: "append"))
    let query = rewriter.addInput(type([4, 2, 1, 8]), name: "query")
    let past = rewriter.addInput(type([4, 2, 15, 8]), name: "past")
    let present = try add(Concatenate(axis: 2), [past, query], "present", &rewriter)
    let turned = try add(Transpose([0, 1, 3, 2]), [present], "turned", &rewriter)
    rewriter.setOutputs([try add(MatrixMultiply(), [query, turned], "scores", &rewriter), present])
    return rewriter.finish()
  }

  static func samples(_ graph: Graph) throws -> SampleSet {
    try SampleSet(
      graph.inputs.enumerated().map { index, input in
        let shape = graph.tensorType(input)?.constantShape ?? []
        return (
          graph[input].name, Tensor(shape, floats: QuantizationTests.uniform(shape.reduce(1, *), seed: UInt64(index + 2)).map { $0 * 3 })
        )
      }, source: "steps.npz")
  }

  static func stage(_ format: [OptionEntry]) throws -> QuantizeStage {
    try QuantizationTests.stage([QuantizationTests.entry("kv_cache", .mapping(format))])
  }

  @Test func attentionReadsWhatTheCacheStores() throws {
    var model = CompressedModel(try Self.inPlace())
    let stage = try Self.stage([QuantizationTests.entry("type", .text("fp8_e4m3"))])
    #expect(!stage.needsCalibration)
    try stage.apply(&model, CompressionContext())
    let graph = model.graph
    #expect(graph.verify().isEmpty)
    #expect(graph.inputs.map { graph.tensorType($0)?.element } == [.float32, .float8e4m3, .float8e4m3])
    #expect(graph.outputs.map { graph.tensorType($0)?.element } == [.float32, .float8e4m3, .float8e4m3])
    #expect(graph.outputs.map { graph[$0].name } == ["attention", "key", "value"])
    let node = try #require(graph.nodeIDs.first { graph[$0].operation is ScaledDotProductAttention })
    guard case .attention(let attention)? = graph.computation(of: graph[node]) else {
      Issue.record("no attention")
      return
    }
    // What machines are told: a fourth of the bytes.
    #expect(attention.key.storage == .float8e4m3 && attention.value.storage == .float8e4m3 && attention.query.storage == .float32)
    #expect(model.records.map(\.reason) == ["with key", "with value"])
  }

  @Test(arguments: [8, 4]) func modelsComputeWithRoundedEntries(_ bits: Int) throws {
    for graph in [try Self.inPlace(), try Self.appended()] {
      var model = CompressedModel(graph)
      let samples = try Self.samples(graph)
      let stage = try Self.stage([QuantizationTests.entry("num_bits", .integer(bits))])
      #expect(stage.needsCalibration)
      try stage.apply(&model, CompressionContext(calibration: samples))
      #expect(model.graph.verify().isEmpty)
      let sqnr = try #require(try AccuracyMeasure().run(model.graph, against: model.original, on: samples).sqnrDecibels)
      // A uniform distribution in b bits has 6.02·b dB; sums and softmax weights keep it within a bit or so.
      #expect(abs(sqnr - 6.02 * Double(bits)) < 9, "\(graph.name): \(sqnr) dB")
    }
  }

  /// Stored results are measured against the results of the original, whatever was appended to them.
  @Test func writtenEntriesAreMeasured() throws {
    var model = CompressedModel(try Self.appended())
    let samples = try Self.samples(model.original)
    try Self.stage([]).apply(&model, CompressionContext(calibration: samples))
    let report = try IntegerComparison(.onnxruntime).run(
      model.graph, original: model.original, batches: try samples.batches(of: 4, for: model.graph),
      exactBatches: try samples.batches(of: 4, for: model.original))
    // What is rounded is the step's own entries; the past they are put behind is stored already.
    #expect(report.rows.map(\.tensor) == ["query"])
    #expect(report.rows.allSatisfy { ($0.integerDecibels ?? 0) > 40 && $0.ownGap == 0 }, "\(report.rows)")
  }

  @Test func aGraphWithoutACacheIsRefused() throws {
    var model = try Digits.model()
    let error = #expect(throws: Failure.self) {
      try Self.stage([QuantizationTests.entry("type", .text("fp8_e4m3"))]).apply(&model, CompressionContext())
    }
    #expect(error?.diagnostics.first?.message.contains("finds no cache") == true)
  }

  @Test func mistakesAreNamed() {
    #expect(throws: Failure.self) {
      try Self.stage([QuantizationTests.entry("type", .text("fp8_e4m3")), QuantizationTests.entry("num_bits", .integer(8))])
    }
    #expect(throws: Failure.self) { try Self.stage([QuantizationTests.entry("percentile", .number(99))]) }
  }
}
