import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

@Suite("Integer execution")
struct IntegerExecutionTests {
  /// sum · factor, rounded exactly.
  private func exact(_ sum: Int64, _ factor: Double, _ rounding: IntegerArithmetic.Rounding) -> Int64 {
    let value = Double(sum) * factor
    return switch rounding {
    case .down: Int64(value.rounded(.down))
    case .halfEven: Int64(value.rounded(.toNearestOrEven))
    case .halfAwayFromZero, .gemmlowp: Int64(value.rounded(.toNearestOrAwayFromZero))
    case .halfUp: Int64((value + 0.5).rounded(.down))
    }
  }

  /// Powers of two and dyadic factors have exact multipliers, so every rounding mode must be exact, ties included.
  @Test(arguments: IntegerArithmetic.Rounding.allCases.filter { $0 != .gemmlowp }) func fixedPointRoundsAsDeclared(
    _ rounding: IntegerArithmetic.Rounding
  ) {
    for factor in [0.5, 0.25, 0.375, 0.0078125, 1, 1.5] {
      let requantizer = Requantizer(factor: factor, IntegerArithmetic(requantization: .fixedPoint, rounding: rounding))
      for sum in Array(-300...300) + [1 << 30, -(1 << 30), (1 << 31) - 1] {
        #expect(requantizer.apply(Int64(sum)) == exact(Int64(sum), factor, rounding), "\(sum) · \(factor)")
      }
    }
  }

  /// MultiplyByQuantizedMultiplier of TensorFlow Lite, written as gemmlowp's fixedpoint.h has it.
  private func twoSteps(_ sum: Int64, multiplier: Int64, shift: Int) -> Int64 {
    let right = shift - 31
    let value = right < 0 ? sum << Int64(-right) : sum
    let product = value * multiplier
    let nudge: Int64 = product >= 0 ? 1 << 30 : 1 - (1 << 30)
    let high = (product + nudge) / (1 << 31)
    guard right > 0 else { return high }
    let mask = (Int64(1) << Int64(right)) - 1
    let threshold = (mask >> 1) + (high < 0 ? 1 : 0)
    return (high >> Int64(right)) + ((high & mask) > threshold ? 1 : 0)
  }

  @Test func gemmlowpRoundsTwice() {
    let arithmetic = IntegerArithmetic(requantization: .fixedPoint, rounding: .gemmlowp)
    var differing = 0
    for factor in [0.5, 0.25, 0.0078125, 0.00123, 0.0314, 0.7071, 1.5] {
      let found = Requantizer(factor: factor, arithmetic)
      let once = Requantizer(factor: factor, IntegerArithmetic(requantization: .fixedPoint, rounding: .halfAwayFromZero))
      for sum in Array(-3000...3000) + [1 << 28, -(1 << 28)] {
        let wanted = twoSteps(Int64(sum), multiplier: found.multiplier, shift: found.shift)
        #expect(found.apply(Int64(sum)) == wanted, "\(sum) · \(factor)")
        differing += wanted == once.apply(Int64(sum)) ? 0 : 1
      }
    }
    // Rounding twice is not rounding once.
    #expect(differing > 0)
  }

  @Test func multiplierAndShiftStandForTheFactor() {
    for factor in [1e-6, 0.00123, 0.1, 0.7071, 0.99999, 1.0, 3.7] {
      let found = Requantizer(factor: factor, IntegerArithmetic(requantization: .fixedPoint))
      let value = Double(found.multiplier) / Double(sign: .plus, exponent: found.shift, significand: 1)
      #expect((value / factor - 1).magnitude < 1e-9)
      #expect(found.multiplier >= 1 << 30 && found.multiplier < 1 << 31)
    }
  }

  @Test func accumulatorsWrapAndSaturate() {
    var values: [Int64] = [130, -129, 127, -128]
    #expect(IntegerProduct.fit(&values, IntegerArithmetic(accumulatorBits: 8, overflow: .saturate)) == 2)
    #expect(values == [127, -128, 127, -128])
    values = [130, -129]
    #expect(IntegerProduct.fit(&values, IntegerArithmetic(accumulatorBits: 8, overflow: .wrap)) == 2)
    #expect(values == [-126, 127])
  }

  /// The quantised digits network: integers stay near rounded real arithmetic, and accuracy near the original's.
  @Test func digitsAsIntegers() throws {
    var model = try Digits.model()
    let stage = try QuantizationTests.stage([
      QuantizationTests.entry("weights", .mapping([])), QuantizationTests.entry("activations", .mapping([])),
    ])
    var context = try Digits.context(samples: 64)
    context.capabilities = PlacementRules.onnxruntime
    try stage.apply(&model, context)
    #expect(model.graph.verify().isEmpty)
    #expect(model.graph.verifyTypes().isEmpty)
    let batches = try context.calibration?.prefix(8).batches(of: 8, for: model.graph) ?? []
    for arithmetic in [IntegerArithmetic.onnxruntime, IntegerArithmetic(requantization: .fixedPoint, rounding: .halfAwayFromZero)] {
      let report = try IntegerComparison(arithmetic).run(model.graph, original: model.original, batches: batches)
      #expect(report.rows.count == 14)
      #expect(report.overflows == 0)
      // Values near a rounding border fall either way with the order of summation, which is the matrix library's.
      for row in report.rows { #expect(row.largestGap <= 3 && row.differingShare < 0.05, "\(arithmetic.requantization): \(row)") }
      // From the same stored inputs the two ways of computing agree to the last bit of the result.
      for row in report.rows { #expect(row.ownGap <= 1, "\(arithmetic.requantization): \(row)") }
      #expect(report.rows.allSatisfy { ($0.integerDecibels ?? 0) > 20 })
    }
    // A 12-bit accumulator cannot hold these sums.
    let narrow = try IntegerComparison(IntegerArithmetic(accumulatorBits: 12)).run(model.graph, original: model.original, batches: batches)
    #expect(narrow.overflows > 0)
  }

  private static func codes(_ values: [Int64], scale: Float, zero: Int64) -> IntegerValue.Codes {
    IntegerValue.Codes(tensor: Tensor(.uint8, [1, values.count], saturating: values), scales: [scale], zeros: [zero], axis: 1)
  }

  /// Sums so near a half that the order of single-precision operations decides: what onnxruntime 1.23.2's QLinearAdd gives (AVX2).
  @Test func sumsNearAHalfFallAsInOnnxruntime() throws {
    let first = try #require(
      RealAddition(Self.codes([161], scale: 0x1.53100p-5, zero: 122), Self.codes([138], scale: 0x1.10f1f2p-5, zero: 127)))
    #expect(try first.codes(scale: 0x1.b0b056p-5, zero: 123) == [160])
    let second = try #require(
      RealAddition(Self.codes([203], scale: 0x1.b0b056p-5, zero: 123), Self.codes([172], scale: 0x1.451114p-5, zero: 120)))
    #expect(try second.codes(scale: 0x1.2310cp-4, zero: 121) == [210])
  }

  /// Away from halves it is the rounded real sum, cut at zero where a clamp follows.
  @Test func additionsAreRoundedSums() throws {
    let (x, y) = (Array<Int64>(stride(from: 0, through: 255, by: 5)), Array<Int64>(stride(from: 255, through: 0, by: -5)))
    let sum = try #require(RealAddition(Self.codes(x, scale: 0.02, zero: 100), Self.codes(y, scale: 0.031, zero: 7)))
    let restored = try #require(sum.restored()?.tensor).floats()
    for (zero, addition) in [(40 as Int64, sum), (40, sum.clamped())] {
      for (index, code) in try addition.codes(scale: 0.05, zero: zero).enumerated() {
        let real = (Double(x[index] - 100) * 0.02 + Double(y[index] - 7) * 0.031) / 0.05
        #expect((Double(restored[index]) / 0.05 - real).magnitude < 1e-4)
        let wanted = addition.isClamped ? max(real, 0) : real
        #expect((Double(code - zero) - wanted).magnitude <= 0.5 + 1e-4)
      }
    }
    #expect(RealAddition(Self.codes([1], scale: 1, zero: 0), Self.codes([1, 2], scale: 1, zero: 0)) == nil)
  }

  /// A mean is the exact sum of integers under a finer scale, whichever operator spells it.
  @Test func meansAreSums() throws {
    var codes = Self.codes(Array(0..<24), scale: 0.5, zero: 3)
    codes.tensor = Tensor(.uint8, [1, 2, 3, 4], saturating: Array(0..<24))
    let axes = IntegerValue.real(.tensor(Tensor(.int64, [2], saturating: [2, -1])))
    let spellings: [(any Operator, [IntegerValue?])] = [
      (GlobalPool(.average), [.codes(codes)]), (Reduce(.mean), [.codes(codes), axes]),
      (Reduce(.mean, keepsAxes: false), [.codes(codes), axes]),
    ]
    for (operation, operands) in spellings {
      let found = try IntegerMean(Node(operation: operation, inputs: [], outputs: [], name: "mean", origin: Origin([])), operands)
      let sums = try #require(found).sums()
      #expect(sums.values == [66 - 36, 210 - 36] && sums.scales == [0.5 / 12])
      #expect(sums.shape == ((operation as? Reduce)?.keepsAxes == false ? [1, 2] : [1, 2, 1, 1]))
    }
    let maximum = Node(operation: Reduce(.maximum), inputs: [], outputs: [], name: "max", origin: Origin([]))
    let none = try IntegerMean(maximum, [.codes(codes), axes])
    #expect(none == nil)
  }

  @Test func equalisationKeepsTheFunction() throws {
    var model = try Digits.model()
    try Digits.stage(EqualizeStage.self, []).apply(&model, CompressionContext())
    let scaled = model.records.filter { $0.action.contains("channels scaled") }
    // One pair in each of the three blocks: the first convolution's result is read by the second alone.
    #expect(scaled.count == 3)
    let batch = try Digits.context(samples: 8).calibrationBatches(for: model.graph)[0]
    let before = try #require(Evaluator().run(model.original, inputs: batch)[0].tensor)
    let after = try #require(Evaluator().run(model.graph, inputs: batch)[0].tensor)
    #expect(try Comparison(after, before).relativeError < 1e-4)
  }

  @Test func sameRecipeSameModel() throws {
    func run() throws -> [Constant?] {
      var model = try Digits.model()
      let options = [
        QuantizationTests.entry("method", .text("gptq")), QuantizationTests.entry("bias_correction", .flag(true)),
        QuantizationTests.entry("weights", .mapping([QuantizationTests.entry("num_bits", .integer(4))])),
      ]
      try QuantizationTests.stage(options).apply(&model, try Digits.context(samples: 16))
      return model.graph.valueIDs.map { model.graph[$0].constant }
    }
    #expect(try run() == run())
  }
}
