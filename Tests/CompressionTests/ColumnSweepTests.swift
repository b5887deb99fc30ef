import Compression
import Numerics
import Testing

@Suite struct ColumnSweepTests {
  /// Inputs that depend on each other, so that columns can make up for one another.
  private func problem(outputs: Int, inputs: Int, seed: UInt64) -> (weights: Matrix, moment: Matrix) {
    var numbers = TestNumbers(seed: seed)
    let mixing = numbers.matrix(inputs, inputs)
    let x = numbers.matrix(4 * inputs, inputs) * (mixing + 0.5 * .identity(inputs))
    return (numbers.matrix(outputs, inputs), x.times(x, transposingSelf: true))
  }

  private struct Grid: ColumnRounder {
    let step: Double
    func round(_ value: Double, output: Int, column: Int) -> Double { (value / step).rounded(.toNearestOrEven) * step }
  }

  @Test(arguments: [1, 2, 3])
  func roundingWithCorrectionBeatsPlainRounding(seed: UInt64) throws {
    let (weights, moment) = problem(outputs: 12, inputs: 24, seed: seed)
    let grid = Grid(step: 0.25)
    let outcome = try ColumnSweep().run(weights, moment: moment, rounder: grid)
    let plain = Matrix(rows: 12, columns: 24, weights.elements.map { grid.round($0, output: 0, column: 0) })
    #expect(outcome.weights.elements.allSatisfy { grid.round($0, output: 0, column: 0) == $0 })
    #expect(outcome.error < outputError(plain - weights, moment))
    #expect(abs(outcome.error - outputError(outcome.weights - weights, moment)) < 1e-9 * outcome.error)
  }

  @Test(arguments: [SparsityPattern.structured(kept: 2, of: 4), .structured(kept: 1, of: 4), .unstructured(sparsity: 0.5)])
  func removingWithCorrectionBeatsEveryMaskAlone(pattern: SparsityPattern) throws {
    let (weights, moment) = problem(outputs: 16, inputs: 32, seed: 7)
    let outcome = try ColumnSweep(pattern: pattern).run(weights, moment: moment)
    #expect(zip(outcome.weights.elements, outcome.isKept).allSatisfy { $1 || $0 == 0 })
    for score in [WeightMask.Score.magnitude, .weightTimesActivation] {
      let mask = WeightMask.kept(weights, pattern, score, moment: moment)
      let masked = Matrix(rows: 16, columns: 32, zip(weights.elements, mask).map { $1 ? $0 : 0 })
      #expect(outcome.error < outputError(masked - weights, moment))
      #expect(mask.count { $0 } == outcome.isKept.count { $0 })
    }
    if case .structured(let kept, let of) = pattern {
      for start in stride(from: 0, to: outcome.isKept.count, by: of) { #expect(outcome.isKept[start..<(start + of)].count { $0 } == kept) }
    }
  }

  /// Delayed updates are a matter of speed only.
  @Test func blocksDoNotChangeTheResult() throws {
    let (weights, moment) = problem(outputs: 5, inputs: 40, seed: 11)
    var small = ColumnSweep(pattern: .structured(kept: 2, of: 4))
    small.block = 8
    let grid = Grid(step: 0.2)
    let a = try small.run(weights, moment: moment, rounder: grid)
    let b = try ColumnSweep(pattern: .structured(kept: 2, of: 4)).run(weights, moment: moment, rounder: grid)
    #expect(a.isKept == b.isKept)
    #expect((a.weights - b.weights).squaredNorm < 1e-12)
  }

  /// One output, two inputs: the textbook step w₁ −= e/U₀₀·U₀₁ by hand.
  @Test func twoColumnsByHand() throws {
    let moment = Matrix(rows: 2, columns: 2, [2, 1, 1, 2])
    let outcome = try ColumnSweep(pattern: .structured(kept: 1, of: 2), damping: 0).run(
      Matrix(rows: 1, columns: 2, [1, 3]), moment: moment)
    // Removing w₀ = 1 leaves the least-squares optimum w₁ = 3 + 1·H₀₁/H₁₁.
    #expect(abs(outcome.weights[0, 0]) < 1e-12)
    #expect(abs(outcome.weights[0, 1] - 3.5) < 1e-12)
  }

  @Test func deadInputsAndOlderMasksStayZero() throws {
    var (weights, moment) = problem(outputs: 4, inputs: 8, seed: 13)
    weights[0, 0] *= 2
    for index in 0..<8 { (moment[3, index], moment[index, 3]) = (0, 0) }
    let keeping = (0..<32).map { $0 % 8 != 5 }
    let outcome = try ColumnSweep(order: .largestMomentFirst).run(weights, moment: moment, keeping: keeping)
    for output in 0..<4 {
      #expect(outcome.weights[output, 3] == 0)
      #expect(outcome.weights[output, 5] == 0)
    }
  }
}

/// Seeded numbers in −1 … 1.
struct TestNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(Int64(bitPattern: state) >> 11) / 0x1p52
  }

  mutating func matrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in next() })
  }

  mutating func index(_ bound: Int) -> Int { min(bound - 1, Int((next() + 1) / 2 * Double(bound))) }
}
