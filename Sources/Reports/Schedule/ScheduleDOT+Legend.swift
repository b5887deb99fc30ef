internal import Basic
internal import Results

extension ScheduleDOT {
  /// The caption and both colour keys, as the label of the whole graph.
  static func legend(_ result: RunResult, _ picture: SchedulePicture, _ options: ScheduleOptions) -> String {
    let totals = result.totals
    let floor =
      totals.latencySeconds > 0 ? " (\(Format.percent(totals.floorSeconds / totals.latencySeconds)) of it)" : ""
    var lines = [
      "total \(Format.seconds(totals.latencySeconds)) · floor \(Format.seconds(totals.floorSeconds))\(floor) · \(result.kernels.count) kernels from \(result.model.sourceNodes) source nodes"
    ]
    if picture.foldedKernels > 0 { lines.append("\(picture.foldedKernels) kernels in repeated blocks are folded") }
    if picture.mergedKernels > 0 {
      lines.append(
        "\(picture.mergedKernels) short kernels are merged: together \(Format.percent(picture.mergedShare)) of the time"
      )
    }
    if picture.hiddenKernels > 0 { lines.append("\(picture.hiddenKernels) kernels are outside the chosen part") }
    lines.append(TextReport.provenance(result))
    var html = "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"2\" CELLPADDING=\"2\">"
    html += row("<FONT POINT-SIZE=\"14\"><B>\(Markup.escape(TextReport.heading(result)))</B></FONT>")
    for line in lines { html += row(Markup.escape(line)) }
    let bounds = Bound.allCases.filter { bound in picture.clusters.contains { $0.bound == bound } }
    html += keys("border, bound by:", bounds.map { ($0.label, Palette.colour(of: $0)) }, isBorder: true)
    html += keys(
      options.fill == .family ? "fill, operation:" : "fill, number format:", fills(picture, options), isBorder: false)
    html += row(
      "edges: solid through off-chip memory, dashed stays on chip, wider is more bytes (log), black and bold is the critical path"
    )
    return html + "</TABLE>"
  }

  private static func fills(_ picture: SchedulePicture, _ options: ScheduleOptions) -> [(String, String)] {
    let names = Set(picture.clusters.map { options.fill == .family ? $0.kind : $0.format })
    return names.sorted().prefix(10).map {
      ($0, options.fill == .family ? Palette.fill(ofKind: $0) : Palette.fill(ofFormat: $0))
    }
  }

  private static func row(_ cell: String) -> String { "<TR><TD ALIGN=\"LEFT\">\(cell)</TD></TR>" }

  private static func keys(_ title: String, _ entries: [(String, String)], isBorder: Bool) -> String {
    var cells = "<TD ALIGN=\"LEFT\">\(title)</TD>"
    for (name, colour) in entries {
      let look =
        isBorder
        ? "BORDER=\"2\" COLOR=\"\(colour)\" BGCOLOR=\"#FFFFFF\""
        : "BORDER=\"1\" COLOR=\"#999999\" BGCOLOR=\"\(colour)\""
      cells += "<TD \(look)>\(Markup.escape(name))</TD>"
    }
    return row("<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"4\" CELLPADDING=\"3\"><TR>\(cells)</TR></TABLE>")
  }
}
