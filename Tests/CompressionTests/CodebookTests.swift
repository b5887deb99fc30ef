import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

/// Weights as positions in a table of few numbers.
@Suite("Codebooks")
struct CodebookTests {
  private static func stage(_ format: [(String, OptionValue.Content)]) throws -> QuantizeStage {
    let entries = ([("type", .text("codebook"))] + format).map { QuantizationTests.entry($0.0, $0.1) }
    return try QuantizationTests.stage([QuantizationTests.entry("weights", .mapping(entries))])
  }

  @Test func fewDifferentNumbersAreKept() {
    let numbers: [Float] = [-100, -3, 0, 50]
    let values = (0..<200).map { numbers[($0 * 7 + $0 / 5) % 4] }
    let found = Codebook(values, importance: [Float](repeating: 1, count: values.count), bits: 2)
    #expect(found.levels == numbers)
    for value in numbers { #expect(found.levels[found.index(of: value)] == value) }
  }

  @Test func positionsAreOfTheNearestLevel() {
    let values = QuantizationTests.uniform(512, seed: 9).map { 127 * $0 * $0 * $0 }
    let book = Codebook(values, importance: [Float](repeating: 1, count: 512), bits: 4)
    #expect(book.levels.count == 16 && book.levels == book.levels.sorted())
    for value in values + [-300, 300] {
      let nearest = book.levels.map { abs($0 - value) }.min()
      #expect(abs(book.levels[book.index(of: value)] - value) == nearest, "\(value)")
    }
  }

  /// The weight of an error decides where levels go.
  @Test func levelsGoWhereErrorsCount() {
    let values = (0..<256).map { Float($0) - 127.5 }
    func error(_ importance: [Float]) -> Float {
      let book = Codebook(values, importance: importance, bits: 3)
      return values.suffix(64).reduce(0) { $0 + abs(book.levels[book.index(of: $1)] - $1) }
    }
    let even = [Float](repeating: 1, count: 256)
    #expect(error(even.indices.map { $0 < 192 ? 1 : 1000 }) < 0.5 * error(even))
  }

  /// Sixteen numbers that k-means found are better than sixteen at equal steps; zeros of a pruned weight stay zeros.
  @Test func itBeatsEqualSteps() throws {
    let values = QuantizationTests.uniform(32 * 64, seed: 11).enumerated().map { $0 % 5 == 0 ? 0 : $1 * $1 * $1 }
    func noise(_ bits: Int?) -> Double {
      var scheme = QuantizationScheme(storage: bits == nil ? .int4 : .int8, granularity: .channel(axis: 0))
      scheme.codebookBits = bits
      let parameters = QuantizationParameters.forWeight(values, shape: [32, 64], scheme, bits == nil ? .mse : .minmax)
      let restored = parameters.restored(values, shape: [32, 64])
      if bits != nil { #expect(zip(values, restored).allSatisfy { $0 != 0 || $1 == 0 }) }
      #expect(parameters.restored(restored, shape: [32, 64]) == restored, "stored numbers stay as they are")
      return zip(values, restored).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    #expect(noise(4) < 0.9 * noise(nil))
    #expect(noise(5) < noise(4))
  }

  /// Positions take their bits and tables are counted; machines compute with the 8-bit numbers of the tables.
  @Test func sizesCountTheTables() throws {
    var model = try Digits.model()
    try Self.stage([]).apply(&model, CompressionContext())
    #expect(model.graph.verify().isEmpty)
    let size = PackedSize(model.graph)
    let layers = QuantizedLayer.find(model.original, try Self.stage([]).groups, ignoring: nil)
    let count = layers.reduce(0) { $0 + (model.original.tensorType($1.weight?.value)?.elementCount ?? 0) }
    #expect(size.codebooks == 16 * layers.count)
    #expect(size.weights == layers.reduce(0) { $0 + ((model.original.tensorType($1.weight?.value)?.elementCount ?? 0) + 1) / 2 })
    #expect(size.weights * 8 < PackedSize(model.original).weights * 8 / 7 && count > 70_000)
    #expect(model.records.allSatisfy { $0.reason?.contains("decoded ahead") == true })
    let product = try #require(model.graph.nodeIDs.first { model.graph[$0].operation is Convolve })
    guard case .contraction(let contraction)? = GraphFacts(model.graph).computation(product) else {
      Issue.record("no contraction")
      return
    }
    #expect(contraction.rhs.storage == .int8)
    #expect(try Digits.accuracy(model.graph) > 0.85)
  }

  /// With integer activations the decoded numbers run in integers, exactly as int8 weights do.
  @Test func integersRunDecodedNumbers() throws {
    var model = try Digits.model()
    let context = try Digits.context(samples: 32)
    try QuantizationTests.stage([
      QuantizationTests.entry("method", .text("gptq")),
      QuantizationTests.entry(
        "weights", .mapping([QuantizationTests.entry("type", .text("codebook")), QuantizationTests.entry("num_bits", .integer(5))])),
      QuantizationTests.entry("activations", .mapping([])),
    ]).apply(&model, context)
    let batch = try #require(context.calibrationBatches(for: model.graph).first)
    let real = try #require(Evaluator().run(model.graph, inputs: batch)[0].tensor)
    let integer = try #require(IntegerExecution(model.graph, .onnxruntime).run(batch).outputs[0]?.tensor)
    #expect(try Comparison(integer, real).relativeError < 0.03)
    let encodings = EncodingsFile(model.graph, .onnxruntime)
    #expect(encodings.paramEncodings.count > 8 && !encodings.requantization.isEmpty)
  }

  /// Tables of groups of channels fit them at least as well, whichever axis the channels are.
  @Test func groupsOfChannelsHaveTheirOwnTables() throws {
    // Large weights in half of the channels, small ones under the same scale in the others.
    var values = QuantizationTests.uniform(32 * 64, seed: 5)
    for index in values.indices {
      let half = values[index] / 2
      values[index] = index / 64 < 16 ? half + (half < 0 ? -0.5 : 0.5) : index % 64 == 0 ? 1 : half
    }
    var turned = values
    for index in values.indices { turned[index % 64 * 32 + index / 64] = values[index] }
    func noise(_ values: [Float], _ shape: [Int], axis: Int, channels: Int?) -> Double {
      var scheme = QuantizationScheme(storage: .int8, granularity: .channel(axis: axis))
      (scheme.codebookBits, scheme.codebookChannels) = (3, channels)
      let parameters = QuantizationParameters.forWeight(values, shape: shape, scheme, .minmax)
      let expected = (32 + (channels ?? 32) - 1) / (channels ?? 32)
      #expect(parameters.codebooks.count == expected)
      let restored = parameters.restored(values, shape: shape)
      #expect(parameters.restored(restored, shape: shape) == restored)
      return zip(values, restored).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    let (one, two) = (noise(values, [32, 64], axis: 0, channels: nil), noise(values, [32, 64], axis: 0, channels: 16))
    #expect(two < 0.5 * one && noise(values, [32, 64], axis: 0, channels: 5) < one)
    #expect(abs(noise(turned, [64, 32], axis: 1, channels: 16) - two) < 1e-6 * two)
  }

  /// The written graph picks from the table of each channel's group what rounding chose; tables and their starts are counted.
  @Test(arguments: ["rtn", "gptq"]) func groupsAreWrittenWithTheirTables(_ method: String) throws {
    var model = try Digits.model()
    let context = try Digits.context(samples: 32)
    let weights = [("type", OptionValue.Content.text("codebook")), ("strategy", .text("group")), ("group_size", .integer(8))]
    let stage = try QuantizationTests.stage([
      QuantizationTests.entry("method", .text(method)),
      QuantizationTests.entry("weights", .mapping(weights.map { QuantizationTests.entry($0.0, $0.1) })),
    ])
    let layers = QuantizedLayer.find(model.graph, stage.groups, ignoring: nil)
    var rounded: [ValueID: Constant] = [:]
    for weight in layers.compactMap(\.weight) {
      let constant = try #require(model.graph.constant(weight.value))
      let tensor = try #require(Tensor(constant))
      let found = QuantizationParameters.forWeight(try tensor.floats(), shape: tensor.shape, weight.scheme, weight.clipping)
      rounded[weight.value] = Constant(found.restored(tensor))
    }
    let plain = model.graph.replacing(rounded)
    let channels = layers.compactMap { layer in
      layer.weight.flatMap { model.graph.tensorType($0.value)?.constantShape?[$0.layout.outputAxis] }
    }
    try stage.apply(&model, context)
    #expect(model.graph.verify().isEmpty)
    let tables = channels.map { ($0 + 7) / 8 }
    let size = PackedSize(model.graph)
    #expect(size.codebooks == tables.reduce(0) { $0 + 16 * $1 })
    #expect(size.scales == channels.reduce(0) { $0 + 4 * $1 })
    #expect(model.records.contains { $0.action == "weights codebook of 16 int8 per 8 channels" })
    if method == "rtn" {
      let batch = try #require(context.calibrationBatches(for: model.graph).first)
      let written = try #require(Evaluator().run(model.graph, inputs: batch)[0].tensor)
      #expect(written.elements == (try Evaluator().run(plain, inputs: batch)[0].tensor?.elements))
    }
    #expect(try Digits.accuracy(model.graph) > 0.85)
  }

  @Test(arguments: [
    [("num_bits", OptionValue.Content.integer(9))], [("observer", .text("mse"))], [("scale", .text("power_of_two"))],
    [("symmetric", .flag(false))], [("group_size", .integer(16))],
  ])
  func whatATableCannotBeIsRefused(_ format: [(String, OptionValue.Content)]) {
    #expect(throws: Failure.self) { try Self.stage(format) }
  }
}
