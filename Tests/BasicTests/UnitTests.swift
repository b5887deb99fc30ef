import Basic
import Testing

@Suite("Units and formats")
struct UnitTests {
  @Test(
    arguments: [
      ("256 KiB", Unit.bytes, 262_144), ("1.41 GHz", .hertz, 1.41e9), ("2039 GB/s", .bytesPerSecond, 2.039e12),
      ("80 %", .ratio, 0.8), ("1e3 B", .bytes, 1000), ("312 TFLOP/s", .operationsPerSecond, 3.12e14), ("2.5us", .seconds, 2.5e-6),
    ])
  func parses(_ text: String, _ unit: Unit, _ value: Double) throws {
    let parsed = try #require(unit.parse(text))
    #expect(abs(parsed - value) <= 1e-12 * value)
  }

  @Test(arguments: ["", "KiB", "12 KiBs", "12 GHz", "1 2 B", "nan B", "inf B", "1e300 PiB"])
  func refuses(_ text: String) { #expect(Unit.bytes.parse(text) == nil) }

  @Test func formatsLikePeopleRead() {
    #expect(Format.seconds(41.23e-6) == "41.2 µs")
    #expect(Format.seconds(1.8369e-3) == "1.84 ms")
    #expect(Format.bytes(262_144) == "256 KiB")
    #expect(Format.fixed(-0.004, 2) == "0.00")
    #expect(Format.percent(0.0731) == "7.3 %")
  }

  @Test func readsQuotedCells() throws {
    let table = try CommaSeparated("a,b\r\n\"x,1\",\"say \"\"hi\"\"\"\n\n3,4", file: "t.csv")
    #expect(table.rows.map { $0.cells.map(String.init) } == [["x,1", "say \"hi\""], ["3", "4"]])
    #expect(table.rows.map(\.line) == [2, 4])
  }
}
