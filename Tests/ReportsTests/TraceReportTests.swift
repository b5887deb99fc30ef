import Foundation
import Results
import Testing

@testable import Reports

@Suite struct TraceReportTests {
  private func events(_ result: RunResult) throws -> [[String: Any]] {
    let text = try TraceReport.render(result, as: "json", ReportOptions()).bytes ?? []
    let object = try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any]
    return try #require(object?["traceEvents"] as? [[String: Any]])
  }

  @Test(arguments: SyntheticResult.Sample.allCases) func isValidJSONWithASlicePerSpan(sample: SyntheticResult.Sample)
    throws
  {
    let slices = try events(sample.result).filter { $0["ph"] as? String == "X" }
    #expect(slices.count == sample.result.timeline.spans.count)
    for slice in slices { #expect((slice["dur"] as? Double ?? -1) >= 0) }
  }

  @Test func slicesOfALaneDoNotOverlap() throws {
    let slices = try events(SyntheticResult.irregular(2000)).filter { $0["ph"] as? String == "X" }
    for (_, lane) in Dictionary(grouping: slices, by: { $0["tid"] as? Int ?? 0 }) {
      let spans = lane.map { ($0["ts"] as? Double ?? 0, $0["dur"] as? Double ?? 0) }.sorted { $0.0 < $1.0 }
      for (a, b) in zip(spans, spans.dropFirst()) { #expect(a.0 + a.1 <= b.0 + 1e-6) }
    }
  }

  @Test func hugeTimelinesAreMerged() throws {
    var result = SyntheticResult.irregular(10)
    // Every fiftieth span is long; all others are equally short.
    result.timeline.spans = (0..<5000).map { index in
      let start = Double(index) * 1e-6
      return Timeline.Span(
        kernel: index % 10, resource: "tensor cores", start: start, end: start + (index % 50 == 0 ? 9e-7 : 1e-7),
        kind: "compute")
    }
    let text = TraceWriter(result, .init(spans: 300, arrows: 0, steps: 10)).text()
    let slices = text.split(separator: "\"ph\":\"X\"").count - 1
    #expect(slices == 200)
    #expect(text.split(separator: "49 short spans").count - 1 == 100)
  }

  /// The limits on counts are what keeps a trace small: no event may be much longer than assumed.
  @Test func eventsAreSmall() {
    var result = SyntheticResult.hostile()
    let long = String(repeating: "<name>", count: 5000)
    for index in result.kernels.indices {
      result.kernels[index].name = long
      result.kernels[index].reason = long
      result.kernels[index].origin = [long]
    }
    let text = TraceWriter(result).text()
    #expect(text.utf8.count < 6000 * result.kernels.count)
  }
}
