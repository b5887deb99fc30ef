import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

@Suite("Quantisation")
struct QuantizationTests {
  static let location = SourceLocation(file: "r.yaml", line: 1, column: 1)

  /// Uniform numbers in -1…1 from a seed.
  static func uniform(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Float(Int64(bitPattern: state) >> 11) / Float(1 << 52)
    }
  }

  static let schemes: [QuantizationScheme] = [
    QuantizationScheme(storage: .int8), QuantizationScheme(storage: .uint8, isSymmetric: false),
    QuantizationScheme(storage: .int8, granularity: .channel(axis: 0)), QuantizationScheme(storage: .int8, granularity: .channel(axis: 1)),
    QuantizationScheme(storage: .int4, granularity: .group(axis: 1, size: 4)),
    QuantizationScheme(storage: .int4, granularity: .group(axis: 0, size: 3)),
    QuantizationScheme(storage: .int16), QuantizationScheme(storage: .int4, granularity: .channel(axis: 0), bits: 3),
    QuantizationScheme(storage: .float8e4m3), QuantizationScheme(storage: .float8e5m2, granularity: .channel(axis: 0)),
    QuantizationScheme(storage: .float4e2m1, granularity: .group(axis: 1, size: 4), scaleFormat: .powerOfTwo),
    QuantizationScheme(storage: .float4e2m1, granularity: .group(axis: 1, size: 4), scaleFormat: .float8),
    QuantizationScheme(storage: .float16), QuantizationScheme(storage: .bfloat16),
  ]

  /// The fast path and the operators that a written model uses give the same numbers, bit for bit.
  @Test(arguments: schemes) func restoredIsWhatTheOperatorsCompute(_ scheme: QuantizationScheme) throws {
    let shape = [6, 8]
    let values = Self.uniform(48, seed: 7).map { $0 * 3 }
    let parameters = QuantizationParameters.forWeight(values, shape: shape, scheme, .minmax)
    let restored = parameters.restored(values, shape: shape)
    let stored = parameters.stored(values, shape: shape)
    #expect(stored.element == scheme.storage)
    guard scheme.hasScale else {
      #expect(try stored.floats() == restored)
      return
    }
    let (axis, block) = parameters.onnxAxis
    let scaleShape = parameters.scaleShape(shape)
    let scale = Tensor(scaleShape, floats: parameters.scales)
    let zero = Tensor(scheme.storage, scaleShape, saturating: parameters.zeros)
    let inputs: [Datum?] = [.tensor(stored), .tensor(scale), .tensor(zero)]
    let back = try Dequantize(axis: axis, blockSize: block).evaluate(inputs, EvaluationContext())
    #expect(try back[0].tensor?.floats() == restored)
    if scheme.bits == scheme.storage.bits {
      let again = try Quantize(axis: axis, blockSize: block).evaluate(
        [.tensor(Tensor(shape, floats: values)), .tensor(scale), .tensor(zero)], EvaluationContext())
      #expect(try again[0].tensor?.doubles() == stored.doubles())
    }
  }

  @Test(arguments: schemes) func restoringTwiceChangesNothing(_ scheme: QuantizationScheme) {
    let values = Self.uniform(48, seed: 3)
    let parameters = QuantizationParameters.forWeight(values, shape: [6, 8], scheme, .minmax)
    let once = parameters.restored(values, shape: [6, 8])
    #expect(parameters.restored(once, shape: [6, 8]) == once)
  }

  @Test func minMaxErrorIsAtMostHalfAStep() {
    let values = Self.uniform(64, seed: 5)
    for scheme in Self.schemes where scheme.storage.isInteger {
      let parameters = QuantizationParameters.forWeight(values, shape: [8, 8], scheme, .minmax)
      let layout = parameters.layout([8, 8])
      for (index, pair) in zip(values, parameters.restored(values, shape: [8, 8])).enumerated() {
        let step = parameters.scales[layout.scale(of: index)]
        #expect((pair.0 - pair.1).magnitude <= step * 0.5001, "\(scheme.title)")
      }
    }
  }

  @Test func clippingNeverRaisesTheSquaredError() {
    var values = Self.uniform(256, seed: 11)
    values[7] = 12  // an outlier
    func error(_ clipping: WeightClipping) -> Double {
      let scheme = QuantizationScheme(storage: .int4)
      let restored = QuantizationParameters.forWeight(values, shape: [256], scheme, clipping).restored(values, shape: [256])
      return zip(values, restored).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    #expect(error(.mse) < error(.minmax))
  }

  @Test func histogramDoesNotDependOnBatches() {
    let values = Self.uniform(1000, seed: 1).map { $0 * 10 }
    var whole = Histogram()
    whole.add(values)
    var parts = Histogram()
    for start in stride(from: 0, to: 1000, by: 100) { parts.add(Array(values[start..<(start + 100)])) }
    #expect(whole.smallest == parts.smallest && whole.largest == parts.largest)
    #expect(parts.counts.reduce(0, +) == 1000)
  }

  @Test func extremesFindNumbersThatAreNotFinite() {
    for count in [1, 15, 16, 17, 40] {
      for position in 0..<count {
        var values = (0..<count).map(Float.init)
        values[position] = -7
        #expect(Extremes(values)?.least == -7)
        for bad in [Float.nan, .infinity, -.infinity] {
          values[position] = bad
          #expect(Extremes(values) == nil, "\(bad) at \(position) of \(count)")
        }
      }
    }
    #expect(Extremes([]) == nil)
  }

  /// The range alone and the whole histogram see the same smallest and largest value.
  @Test func rangesNeedNoHistogram() {
    var (whole, plain) = (ObservedRange(), ObservedRange(counts: false))
    for seed: UInt64 in 1...3 {
      whole.add(Self.uniform(100, seed: seed))
      plain.add(Self.uniform(100, seed: seed))
    }
    let scheme = QuantizationScheme(storage: .uint8, isSymmetric: false)
    for calibrator in [Calibrator.minmax, .movingAverage] {
      #expect(whole.range(calibrator, scheme).low == plain.range(calibrator, scheme).low)
      #expect(whole.range(calibrator, scheme).high == plain.range(calibrator, scheme).high)
    }
  }

  @Test func largeSamplesRunInSmallBatches() throws {
    let small = try SampleSet([("x", Tensor([100, 4], floats: [Float](repeating: 0, count: 400)))], source: "d.npz")
    let large = try SampleSet([("x", Tensor([3, 1 << 19], floats: [Float](repeating: 0, count: 3 << 19)))], source: "d.npz")
    #expect(small.usualBatch == 64)
    #expect(large.usualBatch == 1)
  }

  @Test(arguments: Calibrator.allCases) func calibratorsStayInsideWhatWasSeen(_ calibrator: Calibrator) {
    var observed = ObservedRange()
    observed.add(Self.uniform(5000, seed: 2))
    observed.add([40])  // one outlier
    let range = observed.range(calibrator, QuantizationScheme(storage: .uint8, isSymmetric: false), percentile: 99.9)
    #expect(range.low >= -1.01 && range.high <= 40.01 && range.low < range.high)
    if calibrator == .percentile || calibrator == .entropy {
      #expect(range.high < 30, "\(calibrator) keeps the outlier")
    }
  }

  static func stage(_ text: [OptionEntry]) throws -> QuantizeStage {
    try QuantizeStage(OptionReader(OptionValue(.mapping(text), at: location), schema: QuantizeStage.schema))
  }

  static func entry(_ key: String, _ content: OptionValue.Content) -> OptionEntry {
    OptionEntry(key, at: location, OptionValue(content, at: location))
  }

  @Test func quantisedGraphComputesTheRestoredProduct() throws {
    let (graph, a, _) = try LayerwiseSweepTests.twoLayers()
    var model = CompressedModel(graph)
    try Self.stage([Self.entry("weights", .mapping([Self.entry("num_bits", .integer(8))]))]).apply(&model, CompressionContext())
    #expect(model.graph.verify().isEmpty)
    #expect(model.graph.verifyTypes().isEmpty)
    #expect(!model.graph.contains(a), "the real weight is gone")
    let input = Datum.tensor(Tensor([1, 3], floats: [1, 2, 3]))
    let before = try Evaluator().run(graph, inputs: [input])[0].tensor?.floats() ?? []
    let after = try Evaluator().run(model.graph, inputs: [input])[0].tensor?.floats() ?? []
    for (x, y) in zip(before, after) { #expect((x - y).magnitude < 0.1) }
    #expect(before != after)
  }

  @Test func aWeightThatIsNotFiniteIsNamed() throws {
    var rewriter = Rewriter(try LayerwiseSweepTests.twoLayers().graph)
    let weight = try #require(rewriter.graph.valueIDs.first { rewriter.graph[$0].constant != nil })
    rewriter.setConstant(Constant(Tensor([3, 2], floats: [1, 2, .nan, 4, 5, 6])), of: weight)
    var model = CompressedModel(rewriter.finish())
    let stage = try Self.stage([Self.entry("weights", .mapping([]))])
    let failure = #expect(throws: Failure.self) { try stage.apply(&model, CompressionContext()) }
    #expect(failure?.description.contains("node 'first': weight 'a' holds nan at element 2") == true)
  }

  /// With calibration too, the weight is named and not the result it spoils.
  @Test func aWeightIsCheckedBeforeItsResults() throws {
    var rewriter = Rewriter(try LayerwiseSweepTests.twoLayers().graph)
    let weight = try #require(rewriter.graph.valueIDs.first { rewriter.graph[$0].constant != nil })
    rewriter.setConstant(Constant(Tensor([3, 2], floats: [1, 2, 3, 4, .infinity, 6])), of: weight)
    var model = CompressedModel(rewriter.finish())
    let stage = try Self.stage([Self.entry("weights", .mapping([])), Self.entry("activations", .mapping([]))])
    let samples = try SampleSet([("x", Tensor([2, 3], floats: [1, 2, 3, 4, 5, 6]))], source: "d.npz")
    let failure = #expect(throws: Failure.self) { try stage.apply(&model, CompressionContext(calibration: samples)) }
    #expect(failure?.description.contains("weight 'a' holds inf at element 4") == true)
    #expect(model.records.isEmpty)
  }

  @Test func calibrationIsAskedForWhenItIsNeeded() throws {
    var model = CompressedModel(try LayerwiseSweepTests.twoLayers().graph)
    let stage = try Self.stage([Self.entry("weights", .mapping([])), Self.entry("activations", .mapping([]))])
    #expect(stage.needsCalibration)
    #expect(throws: Failure.self) { try stage.apply(&model, CompressionContext()) }
    #expect(model.records.isEmpty)
  }
}
