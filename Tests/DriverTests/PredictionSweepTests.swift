import Basic
import Driver
import Testing

/// Variants of a machine in one run.
struct PredictionSweepTests {
  private func sweep(_ axes: [String]) throws -> PredictionSweep {
    try PredictionSweep(
      PredictionTests.prediction("resnet-18", ["batch": 1], "systolic-array"), axes: try axes.map { try PredictionSweep.Axis($0) })
  }

  /// Every row is what `--set` gives for its values; the last axis is the fastest.
  @Test func variantsAreThePredictionsOfTheirSettings() throws {
    let result = try sweep(["array.rows=16,32", "array.columns=16, 64"])
    #expect(result.paths == ["array.rows", "array.columns"])
    #expect(result.rows.map(\.settings) == [["16", "16"], ["16", "64"], ["32", "16"], ["32", "64"]])
    for row in result.rows {
      var prediction = PredictionTests.prediction("resnet-18", ["batch": 1], "systolic-array")
      prediction.overrides = zip(result.paths, row.settings).map { "\($0)=\($1)" }
      let alone = try prediction.run()
      #expect(row.cycles == alone.totals.cycles)
      #expect(row.latencySeconds == alone.totals.latencySeconds)
      #expect(row.energyJoules == alone.totals.energyJoules)
    }
    #expect(result.text().contains("fastest"))
    #expect(try result.json().contains("cyclewright.sweep/1"))
  }

  @Test func aVariantThatCannotBeIsARowWithItsReason() throws {
    let result = try sweep(["array.rows=16,no number"])
    #expect(result.rows[0].failure == nil)
    #expect(result.rows[1].latencySeconds == nil)
    #expect(result.rows[1].failure?.isEmpty == false)
  }

  /// Rates per clock follow the clock; rates per second do not.
  @Test func aClockThatScalesMemoriesSaysSo() throws {
    func notes(_ target: String) throws -> [String] {
      try PredictionSweep(
        PredictionTests.prediction("resnet-18", ["batch": 1], target), axes: [try PredictionSweep.Axis("clock=500 MHz,1 GHz")]
      ).notes
    }
    #expect(try notes("ethos-u65-512").first?.contains("sram (16 B/clk), dram (3.75 B/clk)") == true)
    #expect(try notes("edge-tpu-usb").allSatisfy { !$0.contains("link") })
    #expect(try sweep(["array.rows=16"]).notes.isEmpty)
  }

  /// A path that the machine does not have is no variant that fails but a mistake.
  @Test func misspeltPathsAreNamed() {
    #expect { try sweep(["array.rowz=16,32"]) } throws: {
      "\($0)".contains("--vary array.rowz") && "\($0)".contains("did you mean rows?")
    }
  }

  @Test(arguments: ["array.rows", "array.rows=", "array.rows=1,,2", "=3"])
  func mistypedAxesAreNamed(_ text: String) {
    #expect(throws: Failure.self) { try PredictionSweep.Axis(text) }
  }
}
