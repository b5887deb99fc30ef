import Testing

@testable import Driver

/// Statistics of pairs small enough to count by hand.
@Suite struct ErrorStatisticsTests {
  private func statistics(_ pairs: [(Double, Double)], skipped: Int = 0) -> ErrorStatistics {
    ErrorStatistics(pairs: pairs.map { (measured: $0.0, predicted: $0.1) }, skipped: skipped)
  }

  private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-12 }

  /// Errors of +10, −20, +50, 0 and +5 per cent.
  @Test func meansAndQuantiles() {
    let found = statistics([(100, 110), (50, 40), (10, 15), (8, 8), (200, 210)], skipped: 3)
    #expect(found.rows == 5 && found.skipped == 3)
    #expect(isNear(found.mape, (0.1 + 0.2 + 0.5 + 0 + 0.05) / 5))
    #expect(isNear(found.bias, (0.1 - 0.2 + 0.5 + 0 + 0.05) / 5))
    #expect(isNear(found.medianApe, 0.1))
    // Between the fourth and the fifth of 0, 0.05, 0.1, 0.2, 0.5: place 0.9 · 4 = 3.6.
    #expect(isNear(found.p90Ape, 0.2 + 0.6 * 0.3))
    #expect(isNear(found.meanAbsoluteError, (10 + 10 + 5 + 0 + 10) / 5))
    // The error of exactly a tenth is within it.
    #expect(isNear(found.within10, 3 / 5) && isNear(found.within20, 4 / 5))
  }

  /// No multiplier where there is none is right; one too many is a whole error, whatever it is a share of.
  @Test func zerosAreMetOrMissed() {
    let found = statistics([(0, 0), (0, 3), (10, 10), (10, 5)])
    #expect(isNear(found.mape, (0 + 1 + 0 + 0.5) / 4) && isNear(found.bias, (0 + 1 + 0 - 0.5) / 4))
    #expect(isNear(found.meanAbsoluteError, 2) && isNear(found.within10, 0.5))
  }

  @Test func theMedianOfAnEvenNumberLiesBetween() {
    let found = statistics([(10, 11), (10, 13), (10, 10), (10, 16)])
    #expect(isNear(found.medianApe, 0.2))
    #expect(isNear(found.p90Ape, 0.3 + 0.7 * 0.3))
  }

  /// 1 − 6·Σd² / (n·(n² − 1)) without ties: here d = 1, 1, 0, 0.
  @Test func ranksWithoutTies() {
    #expect(isNear(statistics([(1, 20), (2, 10), (3, 30), (4, 40)]).spearman, 1 - 6 * 2 / (4.0 * 15)))
    #expect(isNear(statistics([(1, 10), (2, 100), (3, 1000)]).spearman, 1))
    #expect(isNear(statistics([(1, 3), (2, 2), (3, 1)]).spearman, -1))
  }

  /// Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: the products of the deviations sum to 4.5, their squares to 4.5 and 5.
  @Test func tiesShareTheirRank() {
    #expect(isNear(statistics([(1, 10), (2, 30), (2, 20), (3, 40)]).spearman, 4.5 / (4.5 * 5.0).squareRoot()))
    #expect(isNear(statistics([(10, 1), (30, 2), (20, 2), (40, 3)]).spearman, 4.5 / (4.5 * 5.0).squareRoot()))
    // Ties on both sides at the same places are in perfect order.
    #expect(isNear(statistics([(1, 5), (1, 5), (2, 6)]).spearman, 1))
  }

  /// Where there is nothing to rank the order is not wrong.
  @Test func oneRowOrNone() {
    let none = statistics([], skipped: 2)
    #expect((none.rows, none.skipped) == (0, 2))
    #expect([none.mape, none.bias, none.medianApe, none.p90Ape, none.within10, none.meanAbsoluteError] == [0, 0, 0, 0, 0, 0])
    let one = statistics([(4, 5)])
    #expect([one.mape, one.bias, one.medianApe, one.p90Ape] == [0.25, 0.25, 0.25, 0.25])
    #expect([none.spearman, one.spearman, statistics([(1, 2), (1, 3)]).spearman] == [1, 1, 1])
  }
}
