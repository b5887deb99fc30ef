import Basic
import Results
import Testing

@testable import Reports

@Suite struct JSONReportTests {
  @Test(arguments: SyntheticResult.Sample.allCases) func readsBackWhatItWrites(sample: SyntheticResult.Sample) throws {
    let result = sample.result
    let bytes = try JSONReport.encode(result)
    let isSame = try JSONReport.decode(bytes, file: "r.json") == result
    #expect(isSame)
    #expect(try JSONReport.encode(result) == bytes)
  }

  @Test func hasTheKeysThatToolsRelyOn() throws {
    let text = String(decoding: try JSONReport.encode(SyntheticResult.residualNetwork()), as: UTF8.self)
    let keys = [
      "schema", "sha256", "parameters", "macs", "flops", "weight_bytes", "dims", "latency_seconds", "cycles",
      "floor_seconds", "serial_seconds",
      "throughput_per_second", "energy_joules", "peak_memory_bytes", "bytes_moved", "opaque_share", "origin", "bound",
      "reason", "start_seconds",
      "timeline", "spans", "dependencies", "occupancy", "applied", "missed", "resources", "assumptions", "diagnostics",
    ]
    for key in keys { #expect(text.contains("\"\(key)\" :"), "no key \(key)") }
    #expect(text.contains("\"energy_joules\" : null"))
    #expect(text.contains("\"schema\" : \"cyclewright.run/1\""))
  }

  @Test(arguments: [
    ("", "it is not valid JSON"), ("{", "it is not valid JSON"), ("[]", "should be an object"),
    ("{}", "lacks the key 'schema'"),
    ("{\"schema\":\"cyclewright.run/9\"}", "this version reads 'cyclewright.run/1'"),
    ("{\"schema\":\"cyclewright.run/1\"}", "lacks the key"),
    ("{\"schema\":7}", "schema should be text"), (String(repeating: "[", count: 100_000), "not a saved result"),
    ("\u{0}", "not a saved result"),
  ])
  func hostileTextIsAClearError(text: String, message: String) {
    let failure = #expect(throws: Failure.self) { _ = try JSONReport.decode(Array(text.utf8), file: "bad.json") }
    #expect(failure?.description.hasPrefix("bad.json: error: ") == true)
    #expect(failure?.description.contains(message) == true, "\(failure?.description ?? "")")
  }

  @Test func namesTheValueOfTheWrongType() throws {
    let text = String(decoding: try JSONReport.encode(SyntheticResult.residualNetwork()), as: UTF8.self)
    let parts = text.split(separator: "\"latency_seconds\" : ", maxSplits: 1)
    let bad = parts[0] + "\"latency_seconds\" : \"soon\"" + parts[1].drop { $0 != "," }
    let failure = #expect(throws: Failure.self) { _ = try JSONReport.decode(Array(bad.utf8), file: "bad.json") }
    #expect(
      failure?.description == "bad.json: error: not a saved result: kernels[0].latency_seconds should be a number")
  }

  @Test func refusesNumbersThatWouldBreakRenderers() throws {
    let changes: [(inout RunResult) -> Void] = [
      { $0.kernels[3].latencySeconds = -1 }, { $0.kernels[3].bytes = ["dram": -4] },
      { $0.kernels[3].bytes = ["dram": .max] },
      { $0.kernels[3].id = 2 }, { $0.timeline.dependencies = [[0, 9999]] }, { $0.timeline.dependencies = [[0]] },
      { $0.timeline.spans[0].end = -3 }, { $0.timeline.occupancy = ["l2": [[1]]] }, { $0.outline.edges = [[0, 1]] },
      { $0.totals.latencySeconds = 1e300 },
    ]
    for change in changes {
      var result = SyntheticResult.residualNetwork()
      change(&result)
      let bytes = try JSONReport.encode(result)
      #expect(throws: Failure.self) { _ = try JSONReport.decode(bytes, file: "bad.json") }
    }
  }

  @Test func aNumberThatIsNotFiniteIsNamed() {
    var result = SyntheticResult.residualNetwork()
    result.kernels[2].floorSeconds = .nan
    let failure = #expect(throws: Failure.self) { _ = try JSONReport.encode(result) }
    #expect(failure?.description.contains("kernels[2].floor_seconds") == true, "\(failure?.description ?? "")")
  }
}
