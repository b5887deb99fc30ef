package import Basic
package import Results

/// The timeline in the Trace Event Format, which Perfetto and Chrome open: slices, memory counters, dependency arrows.
package enum TraceReport: Report {
  package static let name = "trace"
  package static let summary = "the timeline for Perfetto or chrome://tracing"
  package static let fileExtensions = ["json", "trace"]

  package static func render(
    _ result: RunResult, as fileExtension: String, _ options: ReportOptions
  ) throws(Failure) -> RenderedReport {
    RenderedReport(TraceWriter(result).text())
  }
}

/// Collects trace events; at up to about 600 bytes each the limits keep a file under 50 MB.
struct TraceWriter {
  struct Limits {
    var spans = 70_000
    var arrows = 20_000
    var steps = 40_000
  }

  private let limits: Limits
  private let result: RunResult
  private let kernels: [Int: KernelResult]
  private var events: [String] = []

  init(_ result: RunResult, _ limits: Limits = Limits()) {
    self.result = result
    self.limits = limits
    kernels = Dictionary(result.kernels.map { ($0.id, $0) }) { first, _ in first }
    let lanes = GanttLanes(result, depthLimit: 1024)
    let longestMerged = Self.longestMerged(lanes, limits)
    process(1, result.target.name)
    for (index, row) in lanes.rows.enumerated() {
      thread(index + 1, row.title.isEmpty ? "\(index + 1)" : row.title)
      slices(row.spans, lane: index + 1, longestMerged: longestMerged)
    }
    arrows(lanes)
    counters()
  }

  func text() -> String {
    let facts = JSONText.object([
      ("model", JSONText.quoted(TextReport.heading(result))),
      ("provenance", JSONText.quoted(TextReport.provenance(result))),
    ])
    return "{\"displayTimeUnit\":\"ns\",\"otherData\":\(facts),\"traceEvents\":[\n" + events.joined(separator: ",\n")
      + "\n]}\n"
  }

  /// Durations up to this are merged so that no more than the limit of slices is written.
  private static func longestMerged(_ lanes: GanttLanes, _ limits: Limits) -> Double {
    let durations = lanes.rows.flatMap { $0.spans.map { $0.end - $0.start } }
    guard durations.count > limits.spans else { return -1 }
    // A run of merged spans stands between every two that are kept.
    return durations.sorted(by: >)[limits.spans / 2]
  }

  private mutating func process(_ process: Int, _ name: String) {
    events.append(
      "{\"ph\":\"M\",\"pid\":\(process),\"name\":\"process_name\",\"args\":{\"name\":\(JSONText.quoted(name))}}")
  }

  private mutating func thread(_ thread: Int, _ name: String) {
    events.append(
      "{\"ph\":\"M\",\"pid\":1,\"tid\":\(thread),\"name\":\"thread_name\",\"args\":{\"name\":\(JSONText.quoted(name))}}"
    )
    events.append(
      "{\"ph\":\"M\",\"pid\":1,\"tid\":\(thread),\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":\(thread)}}")
  }

  private mutating func slices(_ spans: [GanttLanes.Span], lane: Int, longestMerged: Double) {
    var run: (start: Double, end: Double, count: Int)?
    func flush(_ events: inout [String]) {
      guard let merged = run else { return }
      events.append(
        Self.slice(
          lane, merged.start, merged.end, name: "\(merged.count) short spans", category: "merged", arguments: "{}"))
      run = nil
    }
    for span in spans {
      if span.end - span.start <= longestMerged {
        run = (run?.start ?? span.start, max(run?.end ?? span.end, span.end), (run?.count ?? 0) + 1)
        continue
      }
      flush(&events)
      events.append(
        Self.slice(
          lane, span.start, span.end, name: Markup.shortened(span.label, to: 120), category: span.bound.rawValue,
          arguments: arguments(span)))
    }
    flush(&events)
  }

  private func arguments(_ span: GanttLanes.Span) -> String {
    guard let kernel = kernels[span.kernel] else { return "{}" }
    var entries = [
      ("bound", JSONText.quoted(kernel.bound.label)),
      ("reason", JSONText.quoted(Markup.shortened(kernel.reason, to: 300))),
      ("format", JSONText.quoted(Markup.shortened(kernel.format, to: 40))),
      ("choice", JSONText.quoted(Markup.shortened(kernel.choice, to: 100))),
      ("source", JSONText.quoted(Markup.shortened(kernel.origin.joined(separator: ", "), to: 200))),
    ]
    for (level, bytes) in kernel.bytes.sorted(by: { $0.key < $1.key }).prefix(8) {
      entries.append(("bytes " + Markup.shortened(level, to: 40), "\(bytes)"))
    }
    return JSONText.object(entries)
  }

  /// An arrow from the end of the producer to the begin of the consumer.
  private mutating func arrows(_ lanes: GanttLanes) {
    guard result.timeline.dependencies.count <= limits.arrows else { return }
    var first: [Int: (lane: Int, span: GanttLanes.Span)] = [:]
    var last = first
    for (index, row) in lanes.rows.enumerated() {
      for span in row.spans {
        if (first[span.kernel]?.span.start ?? .infinity) > span.start { first[span.kernel] = (index + 1, span) }
        if (last[span.kernel]?.span.end ?? -1) < span.end { last[span.kernel] = (index + 1, span) }
      }
    }
    for (number, pair) in result.timeline.dependencies.enumerated() where pair.count == 2 {
      guard let from = last[pair[0]], let to = first[pair[1]], from.span.start <= to.span.start else { continue }
      let common = "\"cat\":\"dependency\",\"name\":\"dependency\",\"id\":\(number),\"pid\":1"
      // The arrow must begin inside its slice: at its start, which is never after the consumer's.
      events.append("{\"ph\":\"s\",\(common),\"tid\":\(from.lane),\"ts\":\(Self.time(from.span.start))}")
      events.append("{\"ph\":\"f\",\"bp\":\"e\",\(common),\"tid\":\(to.lane),\"ts\":\(Self.time(to.span.start))}")
    }
  }

  private mutating func counters() {
    let cycles = Double(max(1, result.totals.cycles))
    guard !result.timeline.occupancy.isEmpty else { return }
    process(2, "memory in use")
    for (level, steps) in result.timeline.occupancy.sorted(by: { $0.key < $1.key }) {
      let stride = max(1, steps.count * result.timeline.occupancy.count / limits.steps)
      for (index, step) in steps.enumerated() where step.count == 2 && index % stride == 0 {
        let time = Self.time(Double(step[0]) / cycles * result.totals.latencySeconds)
        events.append(
          "{\"ph\":\"C\",\"pid\":2,\"name\":\(JSONText.quoted(level)),\"ts\":\(time),\"args\":{\"bytes\":\(step[1])}}")
      }
    }
  }

  private static func slice(
    _ lane: Int, _ start: Double, _ end: Double, name: String, category: String, arguments: String
  ) -> String {
    let begin = nanoseconds(start)
    let duration = max(0, nanoseconds(end) - begin)
    return
      "{\"ph\":\"X\",\"pid\":1,\"tid\":\(lane),\"ts\":\(micro(begin)),\"dur\":\(micro(duration)),\"name\":\(JSONText.quoted(name)),\"cat\":\(JSONText.quoted(category)),\"args\":\(arguments)}"
  }

  private static func time(_ seconds: Double) -> String { micro(nanoseconds(seconds)) }

  /// Whole nanoseconds, so that slices that touch still touch after rounding.
  private static func nanoseconds(_ seconds: Double) -> Int { Int(max(0, min(seconds, 1e9)) * 1e9) }

  /// The format counts in microseconds.
  private static func micro(_ nanoseconds: Int) -> String {
    let rest = String(nanoseconds % 1000)
    return "\(nanoseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
  }
}
