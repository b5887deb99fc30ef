import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

/// Scales of parts of a cache: heads, channels, positions.
@Suite("Key and value cache, scales of parts")
struct CacheStrategyTests {
  private typealias Base = KeyValueCacheTests
  private static func entry(_ name: String, _ content: OptionValue.Content) -> OptionEntry { QuantizationTests.entry(name, content) }

  private static func stage(_ strategy: String, _ rest: [OptionEntry] = []) throws -> QuantizeStage {
    try Base.stage([entry("strategy", .text(strategy))] + rest)
  }

  /// One step of attention spelt out: scores of a query with all keys, softmax, sum of values. Nothing is known of batch and past.
  private static func spelt(batch: Dimension = .symbol("batch"), past length: Dimension = .symbol("past")) throws -> Graph {
    var rewriter = Rewriter(Graph(name: "step"))
    let (one, many): ([Dimension], [Dimension]) = ([batch, 2, 1, 8], [batch, 2, length, 8])
    let inputs = [("query", one), ("new_key", one), ("new_value", one), ("past_key", many), ("past_value", many)].map {
      ($0, ValueType.tensor(TensorType(.float32, $1)))
    }
    var values: [ValueID] = []
    for (name, type) in inputs { values.append(rewriter.addInput(type, name: name)) }
    let query = values[0]
    let keys = try Base.add(Concatenate(axis: 2), [values[3], values[1]], "present_key", &rewriter)
    let all = try Base.add(Concatenate(axis: 2), [values[4], values[2]], "present_value", &rewriter)
    let turned = try Base.add(Transpose([0, 1, 3, 2]), [keys], "turned", &rewriter)
    let scores = try Base.add(MatrixMultiply(), [query, turned], "scores", &rewriter)
    let weights = try Base.add(Softmax(), [scores], "weights", &rewriter)
    let result = try Base.add(MatrixMultiply(), [weights, all], "result", &rewriter)
    rewriter.setOutputs([result, keys, all])
    return rewriter.finish()
  }

  /// Samples of 4 images and 15 steps whose keys have one channel that is much larger than the others.
  private static func samples(_ graph: Graph, outlier: Float = 40) throws -> SampleSet {
    try SampleSet(
      graph.inputs.enumerated().map { index, input in
        let name = graph[input].name
        let shape = graph.tensorType(input)?.shape.enumerated().map { $1.constant ?? ($0 == 0 ? 4 : 15) } ?? []
        var values = QuantizationTests.uniform(shape.reduce(1, *), seed: UInt64(index + 2))
        if name.contains("key") { for position in values.indices where position % 8 == 3 { values[position] *= outlier } }
        // The query leaves the large channel alone, so that all channels count alike.
        if name == "query" { for position in values.indices where position % 8 == 3 { values[position] /= outlier } }
        return (name, Tensor(shape, floats: values))
      }, source: "steps.npz")
  }

  private static func sqnr(_ graph: Graph, _ samples: SampleSet, _ stage: QuantizeStage) throws -> Double {
    var model = CompressedModel(graph)
    try stage.apply(&model, CompressionContext(calibration: samples))
    #expect(model.graph.verify().isEmpty)
    return try #require(try AccuracyMeasure().run(model.graph, against: model.original, on: samples).sqnrDecibels)
  }

  /// An outlier channel costs all others log2(40) bits under one scale, and none under its own; scales per position share it.
  @Test func channelsOfKeysWantTheirOwnScale() throws {
    let graph = try Self.spelt()
    let samples = try Self.samples(graph)
    let tensor = try Self.sqnr(graph, samples, Self.stage("tensor"))
    let channel = try Self.sqnr(graph, samples, Self.stage("channel"))
    let token = try Self.sqnr(graph, samples, Self.stage("token"))
    let mixed = try Self.sqnr(
      graph, samples,
      Base.stage([
        Self.entry("keys", .mapping([Self.entry("strategy", .text("channel"))])),
        Self.entry("values", .mapping([Self.entry("strategy", .text("token"))])),
      ]))
    #expect(channel > tensor + 10 && token < channel, "tensor \(tensor), channel \(channel), token \(token) dB")
    #expect(mixed > channel - 1, "\(mixed) dB")
  }

  /// Scales of parts never lose to one for all on the same numbers, beyond chance.
  @Test(arguments: ["head", "channel", "token"], [8, 4]) func partsAreAtLeastAsGood(_ strategy: String, _ bits: Int) throws {
    for graph in [try Base.inPlace(), try Base.appended(), try Self.spelt(batch: 4, past: 15)] {
      let samples = try Self.samples(graph, outlier: 1)
      let width = [Self.entry("num_bits", .integer(Int(bits)))]
      let whole = try Self.sqnr(graph, samples, Self.stage("tensor", width))
      let parts = try Self.sqnr(graph, samples, Self.stage(strategy, width))
      #expect(parts > whole - 1.5, "\(graph.name): \(parts) after \(whole) dB")
    }
  }

  @Test func scalesPerPositionComeAndGoWithTheCache() throws {
    for graph in [try Base.inPlace(), try Base.appended()] {
      var model = CompressedModel(graph)
      let stage = try Self.stage("token")
      #expect(!stage.needsCalibration)
      try stage.apply(&model, CompressionContext())
      let stored = model.graph
      #expect(stored.verify().isEmpty)
      let pasts = graph.inputs.dropFirst().map { graph[$0].name }
      let results = stored.outputs.filter { stored.tensorType($0)?.element == .int8 }.map { stored[$0].name }
      #expect(stored.inputs.suffix(pasts.count).map { stored[$0].name } == pasts.map { "\($0)_scale" })
      #expect(stored.outputs.suffix(results.count).map { stored[$0].name } == results.map { "\($0)_scale" })
      #expect(results.count == pasts.count)
      for output in stored.outputs.suffix(results.count) {
        #expect(stored.tensorType(output)?.shape.last == 1 && stored.tensorType(output)?.element == .float32)
      }
      let figures = model.records.flatMap(\.figures).filter { $0.name == "bits_per_number" }
      #expect(!figures.isEmpty && figures.allSatisfy { $0.value == 8 + 32.0 / 8 })
    }
  }

  /// What machines read: the numbers in 8 bits, and a scale of 32 bits for every 8 of them.
  @Test func machinesReadTheScalesToo() throws {
    func bytes(_ strategy: String) throws -> Int {
      var model = CompressedModel(try Base.inPlace())
      try Self.stage(strategy).apply(&model, CompressionContext(calibration: try Base.samples(model.original)))
      let node = try #require(model.graph.nodeIDs.first { model.graph[$0].operation is ScaledDotProductAttention })
      guard case .attention(let attention)? = model.graph.computation(of: model.graph[node]) else { return 0 }
      return attention.key.bytes
    }
    let numbers = 4 * 2 * 16 * 8
    #expect(try bytes("tensor") == numbers)
    #expect(try bytes("token") == numbers + 4 * 2 * 16 * 4)
    #expect(try bytes("channel") == numbers + 4 * 2 * 8 * 4)
  }

  /// Static scales are constants of the model, counted once whatever the batch.
  @Test func scalesAreCounted() throws {
    for (strategy, count) in [("tensor", 2), ("head", 4), ("channel", 32)] {
      for graph in [try Self.spelt(), try Self.spelt(batch: 4, past: 15)] {
        var model = CompressedModel(graph)
        try Self.stage(strategy).apply(&model, CompressionContext(calibration: try Self.samples(graph)))
        #expect(PackedSize(model.graph).scales == 4 * count, "\(strategy)")
      }
    }
  }

  /// Integers are joined as they are: a step rounds its own entries alone, and the past keeps every number.
  @Test(arguments: ["tensor", "head", "channel", "token"]) func thePastIsNotRoundedAgain(_ strategy: String) throws {
    var model = CompressedModel(try Self.spelt())
    let samples = try Self.samples(model.original)
    try Self.stage(strategy).apply(&model, CompressionContext(calibration: samples))
    let graph = model.graph
    let joins = graph.nodeIDs.filter { graph[$0].operation is Concatenate && graph.tensorType(graph[$0].outputs[0])?.element == .int8 }
    #expect(joins.count == 2)
    let batch = try #require(try samples.batches(of: 4, for: graph).first)
    let outputs = try Evaluator().run(graph, inputs: batch)
    let past = try #require(batch[3]?.tensor)
    let present = try #require(outputs[1].tensor)
    #expect(present.shape == [4, 2, 16, 8] && past.element == .int8)
    let (old, all) = (try past.integers(), try present.integers())
    for line in 0..<8 { #expect(Array(all[(line * 128)..<(line * 128 + 120)]) == Array(old[(line * 120)..<(line * 120 + 120)])) }
    // The integers of the report are the same model.
    let exact = try IntegerExecution(graph, .onnxruntime).run(batch).outputs[0]?.tensor
    #expect(try Comparison(try #require(exact), try #require(outputs[0].tensor)).relativeError < 1e-5)
  }

  @Test func keysAreToldFromValues() throws {
    let cache = KeyValueCache(try Self.spelt())
    #expect(cache.entries.map(\.role) == [.keys, .values])
    #expect(KeyValueCache(try Base.inPlace()).entries.map(\.role) == [.keys, .values])
    #expect(cache.entries[0].axes == KeyValueCache.Axes(rank: 4, length: 2))
  }

  @Test(arguments: [
    ([("strategy", OptionValue.Content.text("token")), ("type", .text("uint"))], "no zero point"),
    ([("strategy", .text("channel")), ("type", .text("uint"))], "no zero point"),
    ([("strategy", .text("token")), ("num_bits", .integer(6))], "4, 8 or 16, not 6"),
    ([("strategy", .text("token")), ("observer", .text("mse"))], "when the model runs"),
    ([("strategy", .text("channel")), ("observer", .text("entropy"))], "smallest and largest"),
    ([("keys", .mapping([QuantizationTests.entry("percentile", .number(99))]))], "observer: percentile"),
  ])
  func whatCannotBeSaidIsNamed(_ options: [(String, OptionValue.Content)], _ message: String) {
    let error = #expect(throws: Failure.self) { try Base.stage(options.map { Self.entry($0.0, $0.1) }) }
    #expect(error?.diagnostics.first?.message.contains(message) == true, "\(error?.diagnostics.first?.message ?? "")")
  }

  /// Keys and values that are stored differently have to be told apart, and parts need extents.
  @Test func whatACacheDoesNotTellIsNamed() throws {
    func message(_ graph: Graph, _ stage: QuantizeStage) -> String {
      var model = CompressedModel(graph)
      let error = #expect(throws: Failure.self) { try stage.apply(&model, CompressionContext()) }
      return error?.diagnostics.first?.message ?? ""
    }
    var rewriter = Rewriter(Graph(name: "append"))
    let new = rewriter.addInput(.tensor(TensorType(.float32, [1, 1, .symbol("width")])), name: "new")
    let past = rewriter.addInput(.tensor(TensorType(.float32, [1, .symbol("past"), .symbol("width")])), name: "past")
    rewriter.setOutputs([try Base.add(Concatenate(axis: 1), [past, new], "present", &rewriter)])
    let graph = rewriter.finish()
    let mixed = try Base.stage([Self.entry("values", .mapping([Self.entry("strategy", .text("token"))]))])
    #expect(message(graph, mixed).contains("keys or values"))
    #expect(message(graph, try Self.stage("token")).contains("extents that are known"))
    #expect(message(graph, try Self.stage("head")).contains("no axis of heads"))
  }

  /// A part says only what differs from both.
  @Test func partsInheritWhatTheyLeaveOut() throws {
    let stage = try Base.stage([
      Self.entry("num_bits", .integer(4)), Self.entry("strategy", .text("token")),
      Self.entry("keys", .mapping([Self.entry("strategy", .text("channel"))])),
      Self.entry("values", .mapping([Self.entry("type", .text("fp8_e4m3"))])),
    ])
    let formats = try #require(stage.cache)
    #expect(formats.keys.title == "int4 channel" && formats.values.title == "fp8-e4m3 token")
  }
}
