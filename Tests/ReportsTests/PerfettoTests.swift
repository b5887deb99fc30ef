import Foundation
import Results
import Testing

@testable import Reports

/// Traces opened in Perfetto's own trace processor, in its WebAssembly build that the Perfetto UI runs.
///
/// Skipped where Node.js or the build are absent; `make test` fetches both.
@Suite("Perfetto's trace processor", .enabled(if: TraceProcessor.isInstalled))
struct PerfettoTests {
  @Test(arguments: SyntheticResult.Sample.allCases) func everySpanArrowAndCounterIsRead(sample: SyntheticResult.Sample) throws {
    let result = sample.result
    let trace = TraceWriter(result).text()
    let answers = try TraceProcessor.query(
      trace,
      "select name, value from stats where severity in ('error', 'data_loss') and value != 0",
      "select count(*), coalesce(sum(dur), 0) from slice",
      "select distinct name from slice",
      "select count(*) from flow",
      "select count(*) from counter",
      "select name from process where name is not null order by pid")
    #expect(answers[0].isEmpty, "import errors: \(answers[0])")
    let spans = result.timeline.spans
    #expect(answers[1].first?[0] as? Int == spans.count)
    let total = answers[1].first?[1] as? Int ?? -1
    let expected = spans.reduce(0.0) { $0 + $1.end - $1.start } * 1e9
    #expect(abs(Double(total) - expected) <= Double(spans.count), "\(total) ns of slices, \(expected) ns of spans")
    let events = try JSONSerialization.jsonObject(with: Data(trace.utf8)) as? [String: Any]
    let slices = (events?["traceEvents"] as? [[String: Any]] ?? []).filter { $0["ph"] as? String == "X" }
    #expect(Set(answers[2].compactMap { $0.first as? String }) == Set(slices.compactMap { $0["name"] as? String }))
    #expect(answers[3].first?.first as? Int == result.timeline.dependencies.count)
    #expect(answers[4].first?.first as? Int == result.timeline.occupancy.values.reduce(0) { $0 + $1.count })
    #expect(answers[5].first?.first as? String == result.target.name)
  }

  /// The limits hold a trace under 50 MB, and it still opens.
  @Test func theLargestTraceOpens() throws {
    let text = TraceWriter(SyntheticResult.irregular(100_000)).text()
    #expect(text.utf8.count < 50_000_000)
    let answers = try TraceProcessor.query(
      text, "select count(*) from stats where severity in ('error', 'data_loss') and value != 0", "select count(*) from slice")
    #expect(answers[0].first?.first as? Int == 0)
    #expect((answers[1].first?.first as? Int ?? 0) > 1000)
  }
}

/// Runs Perfetto's trace processor in Node.js.
enum TraceProcessor {
  /// The folder that `scripts/setup test` unpacks.
  private static let folder = root.appendingPathComponent(".build/perfetto")
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static var isInstalled: Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent("engine_bundle.js").path)
      && (try? run(["node", "--version"])) != nil
  }

  /// The rows of each statement; cells are `Int`, `Double`, `String` or `NSNull`.
  static func query(_ trace: String, _ statements: String...) throws -> [[[Any]]] {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("cyclewright-\(getpid())-\(UUID()).json")
    try trace.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let script = root.appendingPathComponent("Tests/ReportsTests/query-trace.mjs").path
    let lines = try run(["node", script, folder.path, file.path] + statements).split(separator: "\n")
    let answers = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [[Any]] ?? [] }
    try #require(answers.count == statements.count)
    return answers
  }

  private struct Failed: Error { var status: Int32 }

  private static func run(_ command: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let output = try process.printedText()
    guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
    return output
  }
}
