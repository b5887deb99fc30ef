internal import Basic
internal import Results

/// A report that is one `Drawing`: SVG by itself, PNG and PDF through the rendering child.
protocol PlotReport: Report {
  static func draw(_ result: RunResult) -> Drawing
  /// Why there is nothing to draw; nil when there is.
  static func obstacle(_ result: RunResult) -> Failure?
}

extension PlotReport {
  static func obstacle(_ result: RunResult) -> Failure? { nil }

  package static var fileExtensions: [String] { ["svg", "png", "pdf"] }

  package static func render(
    _ result: RunResult, as fileExtension: String, _ options: ReportOptions
  ) throws(Failure) -> RenderedReport {
    if let obstacle = obstacle(result) { throw obstacle }
    let drawing = draw(result)
    guard fileExtension != "svg" else { return RenderedReport(SVGWriter.write(drawing)) }
    return RenderedReport(
      bytes: try options.graphviz.render(XDotWriter.write(drawing), as: fileExtension, engine: .positioned),
      companion: nil)
  }
}

extension Drawing {
  /// The heading and the provenance line that every plot carries; returns where the plot may begin.
  mutating func addHeading(_ result: RunResult, _ what: String) -> Double {
    add("\(what): \(TextReport.heading(result))", Point(16, 24), within: width - 32, TextLook(size: 14, isBold: true))
    let totals = result.totals
    let line =
      "total \(Format.seconds(totals.latencySeconds)) · floor \(Format.seconds(totals.floorSeconds)) · \(TextReport.provenance(result))"
    add(line, Point(16, 42), within: width - 32, TextLook(size: 10, colour: "#555555"))
    return 56
  }

  /// A row of coloured boxes with their names; returns the height used.
  mutating func addKey(_ title: String, _ entries: [(name: String, paint: Paint)], at origin: Point) -> Double {
    var x = origin.x
    var y = origin.y
    add(title, Point(x, y + 10), TextLook(size: 10, colour: "#555555"))
    x += TextMetrics.width(title, size: 10) + 10
    for (name, paint) in entries {
      let shown = TextMetrics.fit(name, width: 220, size: 10) ?? "…"
      let needed = 30 + TextMetrics.width(shown, size: 10)
      if x + needed > width - 16 {
        x = origin.x
        y += 18
      }
      add(Box(x, y, 14, 12), paint, Mark(role: "key"))
      add(shown, Point(x + 19, y + 10), TextLook(size: 10))
      x += needed
    }
    return y + 18 - origin.y
  }
}
