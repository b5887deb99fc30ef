internal import Basic
internal import Results

/// Spans sorted into rows: one per resource, several where spans of one resource run side by side.
struct GanttLanes {
  struct Span {
    var start: Double
    var end: Double
    var kernel: Int
    var bound: Bound
    var fill: String
    /// `#12 qkv`, and `#12` for narrow spans.
    var label: String
    var number: String
    var tooltip: String
  }

  struct Row {
    var title: String
    var spans: [Span]
  }

  private(set) var rows: [Row] = []
  private(set) var bounds: Set<Bound> = []
  /// Families of the kernels, for the key.
  private(set) var kinds: [String]
  private(set) var end: Double

  /// Most spans in one row.
  var busiest: Int { rows.map(\.spans.count).max() ?? 0 }

  /// Rows of one resource at most; what does not fit is put over the last.
  private let depthLimit: Int

  init(_ result: RunResult, depthLimit: Int = 8) {
    self.depthLimit = depthLimit
    let kernels = Dictionary(result.kernels.map { ($0.id, $0) }) { first, _ in first }
    kinds = Array(Set(result.kernels.map(\.kind)).sorted().prefix(12))
    end = max(result.totals.latencySeconds, result.timeline.spans.map(\.end).max() ?? 0)
    var spans = result.timeline.spans
    if spans.isEmpty {
      // A family without a timeline still has kernels with times.
      spans = result.kernels.map {
        .init(
          kernel: $0.id, resource: "kernels", start: $0.startSeconds, end: $0.startSeconds + $0.latencySeconds,
          kind: "compute")
      }
    }
    var byResource = Dictionary(grouping: spans, by: \.resource)
    for resource in result.timeline.resources {
      if let found = byResource.removeValue(forKey: resource.name) { add(resource.name, found, kernels) }
    }
    for name in byResource.keys.sorted() { add(name, byResource[name] ?? [], kernels) }
    end = max(end, rows.flatMap(\.spans).map(\.end).max() ?? 0)
  }

  private mutating func add(_ resource: String, _ spans: [Timeline.Span], _ kernels: [Int: KernelResult]) {
    var lanes: [[Span]] = []
    for span in spans.sorted(by: { ($0.start, $0.end, $0.kernel) < ($1.start, $1.end, $1.kernel) }) {
      let drawn = Self.span(span, kernels[span.kernel])
      bounds.insert(drawn.bound)
      let free = lanes.firstIndex { ($0.last?.end ?? 0) <= span.start * (1 + 1e-12) + 1e-15 }
      if let free {
        lanes[free].append(drawn)
      } else if lanes.count < depthLimit {
        lanes.append([drawn])
      } else {
        lanes[lanes.count - 1].append(drawn)
      }
    }
    for (index, lane) in lanes.enumerated() { rows.append(Row(title: index == 0 ? resource : "", spans: lane)) }
  }

  private static func span(_ span: Timeline.Span, _ kernel: KernelResult?) -> Span {
    let number = kernel == nil ? "" : "#\(span.kernel)"
    let name = kernel?.name ?? span.kind
    let fill = span.kind == "stall" ? "#FFFFFF" : Palette.fill(ofKind: kernel?.kind ?? "")
    let title = number.isEmpty ? name : "\(number) \(name)"
    let tooltip =
      "\(title)\n\(span.kind) \(Format.seconds(span.end - span.start)) from \(Format.seconds(span.start))\n\(kernel?.reason ?? "")"
    return Span(
      start: span.start, end: span.end, kernel: span.kernel, bound: kernel?.bound ?? .host, fill: fill,
      label: title, number: number, tooltip: tooltip)
  }
}
