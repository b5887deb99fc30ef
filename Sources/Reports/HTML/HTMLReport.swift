package import Basic
package import Results

/// One self-contained page: first screen, schedule, timeline, kernel table, memory, ledger, assumptions, comparison.
///
/// It loads nothing (its content security policy forbids it), works without a network, in light and dark and by
/// keyboard; without scripts it is still a readable document. The markup is well-formed XML.
package enum HTMLReport: Report {
  package static let name = "html"
  package static let summary = "one self-contained interactive page"
  package static let fileExtensions = ["html"]

  package static func render(
    _ result: RunResult, as fileExtension: String, _ options: ReportOptions
  ) throws(Failure) -> RenderedReport {
    try page(result, comparedWith: nil, options)
  }

  /// The page of a result, with a section that compares it with an earlier one.
  package static func page(_ result: RunResult, comparedWith earlier: RunResult?, _ options: ReportOptions)
    throws(Failure) -> RenderedReport
  {
    let schedule = try HTMLSchedule(result, options)
    let sections = HTMLSections(result, earlier, schedule, options.schedule.overlay)
    let title = Markup.escape(TextReport.heading(result))
    let text = """
      <!DOCTYPE html>
      <html xmlns="http://www.w3.org/1999/xhtml" lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"/>
      <title>\(title)</title>
      <style>/*<![CDATA[*/\(HTMLStyle.text)/*]]>*/</style>
      </head>
      <body>
      <header><h1>\(title)</h1><nav>\(sections.navigation)</nav><button id="theme" type="button" title="light or dark">◐</button></header>
      <main>
      \(sections.text)
      </main>
      <aside id="details" aria-live="polite" hidden="hidden"></aside>
      <footer>\(Markup.escape(TextReport.provenance(result)))</footer>
      <script type="application/json" id="data">\(HTMLData.text(result, schedule))</script>
      <script>/*<![CDATA[*/\(HTMLScript.text)/*]]>*/</script>
      </body>
      </html>

      """
    return RenderedReport(bytes: Array(text.utf8), companion: nil, diagnostics: schedule.diagnostics)
  }
}

/// The schedule as inline SVG, and which cluster of it shows a kernel.
struct HTMLSchedule {
  private(set) var svg: String?
  private(set) var diagnostics: [Diagnostic] = []
  /// Cluster of each kernel that is drawn, by kernel id.
  private(set) var clusters: [Int: String] = [:]

  init(_ result: RunResult, _ options: ReportOptions) throws(Failure) {
    let graph = KernelGraph(result)
    let picture = SchedulePicture(graph, options.schedule)
    for (group, cluster) in zip(graph.groups(options.schedule), picture.clusters) {
      for member in group.members { clusters[graph.kernels[member].id] = cluster.id }
    }
    guard !picture.clusters.isEmpty else { return }
    let rendered = options.graphviz.report(ScheduleDOT(result, picture, options.schedule).text, as: "svg")
    // The page is useful without the picture: what was wrong becomes a note.
    diagnostics = rendered.diagnostics.map {
      Diagnostic(.warning, "the page has no schedule: \($0.message)", fix: $0.fix)
    }
    if rendered.bytes != nil { svg = Self.inline(rendered.text) }
  }

  /// From the `svg` element on: a page has no place for a prolog.
  static func inline(_ text: String) -> String {
    guard let start = text.firstRange(of: "<svg") else { return "" }
    return String(text[start.lowerBound...])
  }
}
