import IR
import Testing

@Suite("Symbolic dimensions")
struct DimensionTests {
  @Test func equalExpressionsAreEqualValues() {
    let n = Dimension.symbol("n")
    let h = Dimension.symbol("h")
    #expect(n * 2 + h == h + n + n)
    #expect((n * h).floorDivided(by: h) == n)
    #expect((n + h) - h == n)
    #expect((h - 1).floorDivided(by: 2).bound(["h": 7]) == 3)
    #expect("\(n * 2 + 1)" == "2*n + 1")
  }
}
