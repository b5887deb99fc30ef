internal import Basic
internal import Results

/// What the page's script needs: lanes and spans of the timeline, kernels with their place in the picture.
enum HTMLData {
  /// Spans written at most; the shortest are left to the trace.
  static let spanLimit = 20_000

  static func text(_ result: RunResult, _ schedule: HTMLSchedule) -> String {
    let lanes = GanttLanes(result, depthLimit: 16)
    let spans = lanes.rows.enumerated().flatMap { lane, row in row.spans.map { (lane, $0) } }
    var kept = spans
    if spans.count > spanLimit {
      kept = Array(spans.sorted { $0.1.end - $0.1.start > $1.1.end - $1.1.start }.prefix(spanLimit))
      kept.sort { ($0.0, $0.1.start) < ($1.0, $1.1.start) }
    }
    let bounds = Dictionary(uniqueKeysWithValues: Bound.allCases.map { ($0.rawValue, $0) })
    return JSONText.object([
      ("end", JSONText.number(lanes.end)),
      ("lanes", JSONText.list(lanes.rows.map { JSONText.quoted(Markup.shortened($0.title, to: 60)) })),
      (
        "bounds",
        JSONText.object(
          bounds.sorted { $0.key < $1.key }.map { ($0.key, JSONText.quoted(Palette.colour(of: $0.value))) })
      ),
      (
        "spans",
        JSONText.list(
          kept.map { lane, span in
            "[\(lane),\(span.kernel),\(short(span.start)),\(short(span.end)),\(JSONText.quoted(span.fill)),\(JSONText.quoted(span.bound.rawValue))]"
          })
      ),
      ("overhead", JSONText.quoted(result.totals.overhead.map { Markup.shortened($0.name, to: 60) } ?? "")),
      ("kernels", JSONText.object(result.kernels.map { ("\($0.id)", kernel($0, schedule)) })),
    ])
  }

  private static func kernel(_ kernel: KernelResult, _ schedule: HTMLSchedule) -> String {
    JSONText.object([
      ("n", JSONText.quoted(Markup.shortened(kernel.name, to: 120))),
      ("c", JSONText.quoted(schedule.clusters[kernel.id] ?? "")),
      ("o", JSONText.list(kernel.origin.prefix(40).map { JSONText.quoted(Markup.shortened($0, to: 120)) })),
      ("r", JSONText.quoted(Markup.shortened(kernel.reason, to: 400))),
      ("t", JSONText.quoted("\(Format.seconds(kernel.latencySeconds)) · \(kernel.bound.label) · \(kernel.format)")),
    ])
  }

  /// Nanoseconds with three digits: enough for any zoom.
  private static func short(_ seconds: Double) -> String { SVGWriter.number((seconds * 1e12).rounded() / 1000) }
}
