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
