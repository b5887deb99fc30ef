import DataflowFPGA
import Testing

struct MappingTests {
  private let sevenSeries = DSPBlock(name: "DSP48E1", wide: 25, narrow: 18)
  private let ultraScale = DSPBlock(name: "DSP48E2", wide: 27, narrow: 18)

  @Test(arguments: [(18, 25, 1, 1), (18, 27, 2, 1), (24, 24, 2, 2), (32, 32, 4, 4), (8, 8, 1, 1), (25, 18, 1, 1)])
  func productsBeyondAPortTakeMoreBlocks(a: Int, b: Int, seven: Int, ultra: Int) {
    #expect(sevenSeries.blocks(a, b) == seven)
    #expect(ultraScale.blocks(a, b) == ultra)
    #expect(sevenSeries.blocks(b, a) == seven)
  }

  @Test func smallProductsStayInTables() {
    let rule = MultiplierRule(leastOperand: 2, leastProduct: 9, leastWeight: 8)
    #expect(rule.blocks(data: 16, weight: 8, on: ultraScale) == 1)
    #expect(rule.blocks(data: 16, weight: 7, on: ultraScale) == 0)
    #expect(rule.blocks(data: 1, weight: 16, on: ultraScale) == 0)
  }

  @Test(arguments: [
    (512, 36, 1), (1024, 18, 1), (1024, 36, 2), (2048, 9, 1), (4096, 4, 1), (8192, 2, 1), (16384, 1, 1), (4096, 72, 16),
    (1, 1, 1),
  ])
  func blockMemoryLadder(depth: Int, width: Int, halves: Int) {
    let ladder = MemoryLadder(
      name: "block",
      rungs: [(16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)].map {
        .init(depth: $0.0, width: $0.1)
      })
    #expect(ladder.primitives(depth: depth, width: width) == halves)
    #expect(ladder.primitives(depth: depth + 1, width: width) >= halves)
    #expect(ladder.primitives(depth: depth, width: width + 1) >= halves)
    #expect(ladder.primitives(depth: 0, width: width) == 0)
  }

  @Test func signedDigits() {
    #expect([0, 1, -8, 3, 7, 5, 11, -11, 85].map(WeightStatistics.signedDigits) == [0, 1, 1, 2, 2, 2, 3, 3, 4])
    // Minimal: never more digits than the binary form has ones, and the same for both signs.
    for value in -300...300 {
      #expect(WeightStatistics.signedDigits(value) <= max(1, value.magnitude.nonzeroBitCount))
      #expect(WeightStatistics.signedDigits(value) == WeightStatistics.signedDigits(-value))
    }
  }

  @Test func equalWeightsOnOneInputShareAMultiplier() {
    let shared = WeightStatistics(rows: [[11, 11, 11, 0], [11, 13, 3, 4]])
    #expect(shared == WeightStatistics(zeros: 1, hardProducts: 3, twoDigit: 1))
  }

  @Test(arguments: [(16, 8, 8), (64, 32, 8), (100, 10, 6), (32, 1, 16)])
  func expectedStatisticsLieWithinTheMatrix(inputs: Int, outputs: Int, bits: Int) {
    let expected = WeightStatistics(expectedFor: inputs, outputs: outputs, bits: bits)
    #expect(expected.hardProducts >= 0 && expected.hardProducts <= inputs * min(outputs, 1 << bits))
    #expect(expected.zeros + expected.twoDigit <= inputs * outputs)
  }
}
