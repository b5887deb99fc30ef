import Basic
import Testing

@Suite struct SplitMix64Tests {
  /// The first numbers of the reference implementation in C (S. Vigna, splitmix64.c).
  @Test func drawsTheReferenceSequence() {
    var generator = SplitMix64(seed: 1_234_567)
    let drawn = (0..<5).map { _ in generator.next() as UInt64 }
    #expect(
      drawn == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
      ])
  }

  @Test func unitsAreTheHighestBits() {
    var (generator, same) = (SplitMix64(seed: 7), SplitMix64(seed: 7))
    for _ in 0..<1000 {
      let unit = generator.unit()
      #expect(unit >= 0 && unit < 1)
      #expect(unit == Double((same.next() as UInt64) >> 11) / 9_007_199_254_740_992)
    }
  }
}
