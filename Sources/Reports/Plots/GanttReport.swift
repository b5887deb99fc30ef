internal import Basic
internal import Results

/// Who did what when: a lane per engine and link, time to the right, folded into several bands when there are many spans.
package enum GanttReport: PlotReport {
  package static let name = "gantt"
  package static let summary = "the timeline, a lane per engine and link"

  private static let laneHeight = 22.0
  private static let left = 150.0
  private static let right = 20.0

  static func draw(_ result: RunResult) -> Drawing {
    let lanes = GanttLanes(result)
    let width = 1600.0
    // A band holds about 35 spans of its busiest lane: 40 points each, enough for a number.
    let bands = max(1, min(16, (lanes.busiest + 34) / 35))
    let bandHeight = Double(lanes.rows.count) * laneHeight + 34
    var drawing = Drawing(
      title: "Timeline of \(result.model.name)", width: width, height: 120 + Double(bands) * bandHeight)
    var y = drawing.addHeading(result, "Timeline")
    y += drawing.addKey("bound by:", key(lanes), at: Drawing.Point(16, y))
    y +=
      drawing.addKey(
        "operation:", lanes.kinds.map { ($0, Drawing.Paint.filled(Palette.fill(ofKind: $0))) }, at: Drawing.Point(16, y)
      ) + 6
    let end = max(lanes.end, .leastNormalMagnitude)
    for band in 0..<bands {
      let from = end * Double(band) / Double(bands)
      let axis = Axis(.linear, from: from, to: end * Double(band + 1) / Double(bands), at: left, width - right)
      drawBand(&drawing, lanes, axis, y)
      y += bandHeight
    }
    drawing.height = y + 8
    return drawing
  }

  private static func key(_ lanes: GanttLanes) -> [(name: String, paint: Drawing.Paint)] {
    Bound.allCases.filter(lanes.bounds.contains).map { ($0.label, Drawing.Paint.filled(Palette.colour(of: $0))) }
  }

  private static func drawBand(_ drawing: inout Drawing, _ lanes: GanttLanes, _ axis: Axis, _ top: Double) {
    let bottom = top + 14 + Double(lanes.rows.count) * laneHeight
    for tick in axis.ticks(about: 10) {
      let x = axis.position(tick)
      drawing.add([.init(x, top + 12), .init(x, bottom)], .stroked("#DDDDDD", 0.7), .init(role: "rule"))
      drawing.add(
        Format.seconds(tick), .init(min(x, axis.end - 24), top + 9), .init(size: 9, anchor: .middle, colour: "#555555"))
    }
    for (index, row) in lanes.rows.enumerated() {
      let y = top + 14 + Double(index) * laneHeight
      drawing.add([.init(16, y), .init(axis.end, y)], .stroked("#EEEEEE", 0.7), .init(role: "rule"))
      drawing.add(row.title, .init(16, y + 15), within: left - 26, .init(size: 10, colour: "#333333"))
      drawSpans(&drawing, row, axis, y + 2)
    }
    drawing.add([.init(16, bottom), .init(axis.end, bottom)], .stroked("#EEEEEE", 0.7), .init(role: "rule"))
  }

  private static func drawSpans(_ drawing: inout Drawing, _ row: GanttLanes.Row, _ axis: Axis, _ y: Double) {
    var crowd: (start: Double, end: Double, count: Int)?
    func flush() {
      guard let current = crowd else { return }
      let box = Drawing.Box(current.start, y, max(0.6, current.end - current.start), laneHeight - 4)
      drawing.add(box, .filled("#B0B0B0"), .init(tooltip: "\(current.count) short spans"))
      crowd = nil
    }
    for span in row.spans where span.end >= axis.lower && span.start <= axis.upper {
      let start = axis.position(span.start)
      let end = axis.position(span.end)
      guard end - start >= 0.8 else {
        // Spans too narrow to see are drawn as one grey box, so that no file grows with them.
        if let current = crowd, start - current.end < 1 {
          crowd = (current.start, max(end, current.end), current.count + 1)
        } else {
          flush()
          crowd = (start, end, 1)
        }
        continue
      }
      flush()
      drawSpan(&drawing, span, Drawing.Box(start, y, end - start, laneHeight - 4))
    }
    flush()
  }

  private static func drawSpan(_ drawing: inout Drawing, _ span: GanttLanes.Span, _ box: Drawing.Box) {
    let inset = min(0.5, box.width / 4)
    let inner = Drawing.Box(box.x, box.y, box.width - inset, box.height)
    let paint = Drawing.Paint(fill: span.fill, stroke: nil, opacity: 1)
    drawing.add(inner, paint, .init(tooltip: span.tooltip, kernel: span.kernel))
    let strip = Drawing.Box(inner.x, inner.y, inner.width, 3)
    drawing.add(strip, .filled(Palette.colour(of: span.bound)), .init(role: "strip"))
    let label = TextMetrics.width(span.label, size: 9) + 4 <= inner.width ? span.label : span.number
    if TextMetrics.width(label, size: 9) + 4 <= inner.width {
      drawing.add(label, .init(inner.x + 2, inner.y + 14), .init(size: 9, colour: "#111111"))
    }
  }
}
