import Basic
import Driver
import Foundation
import Testing

/// Whole recipes with a machine: goals that must hold, and bits chosen by what the machine runs faster.
@Suite("Compression for a machine")
struct CompressionGoalTests {
  private static let fixtures = "\(PredictionTests.root)/Tests/CompressionTests/Fixtures"

  private func run(_ recipe: String) throws -> CompressionReport {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("recipe-\(UUID().uuidString).yaml").path
    try recipe.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var request = ModelRequest(path: "\(Self.fixtures)/digits-resnet.onnx")
    request.dimensions = ["n": 1]
    var run = CompressionRun(model: request, recipe: try CompressionRun.recipe(path))
    run.calibration = "\(Self.fixtures)/digits-calibration.npz"
    run.evaluation = "\(Self.fixtures)/digits-test.npz"
    run.catalog = PredictionTests.catalog
    return try run.run().report
  }

  @Test func goalsAreJudgedOneByOne() throws {
    let report = try run(
      """
      version: 1
      target: ethos-u55-128
      calibration: {samples: 16}
      evaluate:
        samples: 32
        metrics:
          - {name: top1, goal: {type: max_degradation, value: 0.2}}
          - {name: latency_ms, goal: {type: max, value: 1000}}
          - {name: latency_ms, goal: {type: max, value: 0.000001}}
          - {name: size_ratio, goal: {type: min, value: 3}}
          - {name: sqnr_db, goal: {type: min, value: 300}}
      stages:
        - fold
        - quantize: {weights: {num_bits: 8}, activations: {num_bits: 8}}
      """)
    #expect(report.goals.map(\.isMet) == [true, true, false, true, false])
    #expect(!report.meetsGoals)
    #expect(report.goals.allSatisfy { $0.value != nil })
    // The machine's own arithmetic is what the integers ran with.
    #expect(report.arithmetic.requantization == .fixedPoint)
    #expect(report.integers?.rows.allSatisfy { $0.ownGap <= 1 } == true)
  }

  /// A machine without 4-bit products gains nothing from 4 bits in its multipliers.
  @Test func latencyBudgetsAskTheMachine() throws {
    func bits(_ options: String) throws -> (chosen: [String: Int], seconds: Double) {
      let report = try run(
        """
        version: 1
        target: nvidia-a100-sxm4-80gb
        calibration: {samples: 8, batch: 8}
        evaluate: {samples: 8}
        stages:
          - fold
          - mixed_precision: {resource: latency, metric: sqnr, samples: 8, \(options)}
        """)
      let rows = report.records.filter { $0.action.hasSuffix(" bits") }
      #expect(!rows.isEmpty)
      let chosen = rows.map { ($0.layer, Int($0.action.prefix { $0 != " " }) ?? 0) }
      return (Dictionary(chosen, uniquingKeysWith: { a, _ in a }), report.latency?.afterSeconds ?? 0)
    }
    let most = try bits("share: 1, bits: [4, 8]")
    let faster = try bits("share: 0, bits: [4, 8], only_if_faster: true")
    let least = try bits("share: 0, bits: [4, 8]")
    #expect(least.seconds <= most.seconds)
    // Bits are given back only where that costs no time.
    #expect(faster.seconds <= least.seconds * 1.0001)
    #expect(faster.chosen.values.reduce(0, +) >= least.chosen.values.reduce(0, +))
  }
}
