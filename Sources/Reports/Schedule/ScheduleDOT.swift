internal import Basic
internal import Results

/// Writes a `SchedulePicture` in the DOT language, with HTML-like labels in which every name is escaped.
struct ScheduleDOT {
  private(set) var text = ""
  private let result: RunResult
  private let picture: SchedulePicture
  private let options: ScheduleOptions
  /// First source node of each kernel by its number, for links into the source graph.
  private let firstNode: [Int: Int]

  /// DejaVu Sans is what Debian's fontconfig has; Verdana has its widths; the others are narrower, so text stays inside its box.
  static let font = "DejaVu Sans,Verdana,Helvetica,sans-serif"

  init(_ result: RunResult, _ picture: SchedulePicture, _ options: ScheduleOptions) {
    self.result = result
    self.picture = picture
    self.options = options
    firstNode = options.partner == nil ? [:] : Self.firstNodes(result)
    header()
    for number in 0..<picture.columns { column(number) }
    for edge in picture.edges { write(edge) }
    text += "}\n"
  }

  private mutating func header() {
    text += "digraph schedule {\n"
    text +=
      "  graph [charset=\"UTF-8\" compound=true rankdir=TB bgcolor=\"#FFFFFF\" fontname=\"\(Self.font)\" fontsize=11 nodesep=0.25 ranksep=0.35"
    text +=
      " nslimit=1 nslimit1=1 mclimit=0.1 searchsize=10 splines=spline outputorder=edgesfirst labelloc=b labeljust=l"
    text += " tooltip=\(Markup.quoted(result.model.name)) label=<\(Self.legend(result, picture, options))>];\n"
    text += "  node [shape=plain fontname=\"\(Self.font)\" fontsize=10];\n"
    text += "  edge [fontname=\"\(Self.font)\" fontsize=9 color=\"#555555\" fontcolor=\"#333333\" arrowsize=0.7];\n"
  }

  private func fill(_ cluster: SchedulePicture.Cluster) -> String {
    switch options.fill {
    case .family: Palette.fill(ofKind: cluster.kind)
    case .format: Palette.fill(ofFormat: cluster.format)
    }
  }

  /// A column is an invisible cluster: only that keeps its kernels one below the other.
  private mutating func column(_ number: Int) {
    let isOuter = picture.columns > 1
    if isOuter {
      text += "  subgraph cluster_column\(number) {\n  graph [peripheries=0 margin=4 label=\"\" tooltip=\"\"];\n"
    }
    for index in picture.clusters.indices where picture.clusters[index].column == number { cluster(index) }
    stubs(number)
    for (index, port) in picture.ports.enumerated() where picture.clusters[port.cluster].column == number {
      write(port, index)
    }
    if isOuter { text += "  }\n" }
  }

  private mutating func cluster(_ index: Int) {
    let cluster = picture.clusters[index]
    let border = Palette.colour(of: cluster.bound)
    let style = cluster.isMerged ? "filled,rounded,dashed" : "filled,rounded"
    text += "  subgraph cluster_\(cluster.id) {\n"
    text += "    graph [id=\"kernel_\(cluster.id)\" label=\"\" peripheries=1 margin=5"
    text +=
      " style=\"\(style)\" fillcolor=\"\(fill(cluster))\" color=\"\(border)\" penwidth=\(cluster.isCritical ? 3.5 : 1.8)"
    text += "\(link(cluster)) tooltip=\(Markup.quoted(cluster.tooltip))];\n"
    text +=
      "    \(cluster.id) [id=\"rows_\(cluster.id)\" tooltip=\(Markup.quoted(cluster.tooltip)) label=<\(rows(cluster, border))>];\n  }\n"
  }

  /// Where the kernel (the first, where several share a cluster) comes from in the other picture.
  private func link(_ cluster: SchedulePicture.Cluster) -> String {
    guard let file = options.partner, let kernel = Int(cluster.id.dropFirst()), let node = firstNode[kernel] else { return "" }
    return Markup.link(to: file, "source_\(node)")
  }

  private static func firstNodes(_ result: RunResult) -> [Int: Int] {
    var place: [String: Int] = [:]
    for (index, node) in result.outline.nodes.enumerated() where place[node.name] == nil { place[node.name] = index }
    return Dictionary(
      result.kernels.compactMap { kernel in kernel.origin.compactMap { place[$0] }.min().map { (kernel.id, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  private func rows(_ cluster: SchedulePicture.Cluster, _ border: String) -> String {
    var html = "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">"
    html +=
      "<TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"11\"><B>\(Markup.escape(cluster.title))&#160;</B></FONT></TD></TR>"
    html += "<TR><TD ALIGN=\"LEFT\">\(bar(cluster.share, border))</TD></TR>"
    for row in cluster.rows { html += "<TR><TD ALIGN=\"LEFT\">\(Markup.escape(row))</TD></TR>" }
    html +=
      "<TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"9\" COLOR=\"#333333\">\(Markup.escape(cluster.footer))</FONT></TD></TR>"
    if !cluster.bytes.isEmpty { html += "<TR><TD ALIGN=\"LEFT\">\(strip(cluster.bytes))</TD></TR>" }
    return html + "</TABLE>"
  }

  /// The share of the time as a bar of 160 points.
  private func bar(_ share: Double, _ colour: String) -> String {
    let full = 160
    let used = max(1, min(full - 1, Int((share * Double(full)).rounded())))
    let cell = { (width: Int, colour: String) in
      "<TD FIXEDSIZE=\"TRUE\" WIDTH=\"\(width)\" HEIGHT=\"5\" BGCOLOR=\"\(colour)\"></TD>"
    }
    return
      "<TABLE ALIGN=\"LEFT\" FIXEDSIZE=\"TRUE\" WIDTH=\"\(full)\" HEIGHT=\"5\" BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\"><TR>\(cell(used, colour))\(cell(full - used, "#FFFFFF"))</TR></TABLE>"
  }

  /// One cell per memory level with the bytes moved; darker for more.
  private func strip(_ levels: [(level: String, bytes: Int)]) -> String {
    let cells = levels.prefix(4).map { level, bytes in
      let shade = bytes < 1 << 20 ? "#FFFFFF" : bytes < 1 << 24 ? "#EAEAEA" : bytes < 1 << 28 ? "#D4D4D4" : "#BEBEBE"
      return
        "<TD BGCOLOR=\"\(shade)\"><FONT POINT-SIZE=\"8\">\(Markup.escape(level)) \(Format.bytes(Double(bytes)))</FONT></TD>"
    }
    return
      "<TABLE ALIGN=\"LEFT\" BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"2\" CELLPADDING=\"2\"><TR>\(cells.joined())</TR></TABLE>"
  }

  private mutating func write(_ edge: SchedulePicture.Edge) {
    let from = picture.clusters[edge.from].id
    let to = picture.clusters[edge.to].id
    text += "  \(from) -> \(to) [ltail=cluster_\(from) lhead=cluster_\(to) \(look(edge))];\n"
  }

  private func look(_ edge: SchedulePicture.Edge) -> String {
    let style = !edge.isData ? "dotted" : edge.isOnChip ? "dashed" : "solid"
    let width = Self.penWidth(edge.bytes) + (edge.isCritical ? 0.8 : 0)
    let colour = edge.isCritical ? "#000000" : "#6A6A6A"
    let label = edge.label.isEmpty ? "" : " label=<&#160;&#160;&#160;\(Markup.escape(edge.label))&#160;>"
    return
      "style=\(style) penwidth=\(Format.fixed(width, 1)) color=\"\(colour)\" tooltip=\(Markup.quoted(edge.tooltip)) labeltooltip=\(Markup.quoted(edge.tooltip))\(label)"
  }

  /// 0.6 points below 1 KiB, then 0.2 for every doubling, at most 4.
  static func penWidth(_ bytes: Int) -> Double {
    var doublings = 0
    while bytes >> 10 > 1 << doublings, doublings < 20 { doublings += 1 }
    return min(4, 0.6 + 0.2 * Double(doublings))
  }

  /// A cut edge leaves a stub at each end; several ends of one cluster share a stub.
  private mutating func stubs(_ column: Int) {
    let leaving = Dictionary(grouping: picture.cut.filter { picture.clusters[$0.from].column == column }, by: \.from)
    for from in leaving.keys.sorted() {
      guard let edges = leaving[from] else { continue }
      let id = picture.clusters[from].id
      let targets = edges.map { picture.clusters[$0.to] }
      let names = targets.prefix(4).map { Self.number($0) }.joined(separator: ", ") + (targets.count > 4 ? " …" : "")
      text += "  to_\(id) [label=<\(Self.stub("▸ to \(names)"))>];\n"
      let widest = edges.max { $0.bytes < $1.bytes } ?? edges[0]
      text += "  \(id) -> to_\(id) [ltail=cluster_\(id) arrowhead=none \(look(widest))];\n"
    }
    for (index, edge) in picture.cut.enumerated() where picture.clusters[edge.to].column == column {
      let to = picture.clusters[edge.to].id
      text += "  from_\(index) [label=<\(Self.stub("▸ from \(Self.number(picture.clusters[edge.from]))"))>];\n"
      text += "  from_\(index) -> \(to) [lhead=cluster_\(to) \(look(edge))];\n"
    }
  }

  private static func number(_ cluster: SchedulePicture.Cluster) -> String { "#" + cluster.id.dropFirst() }

  private static func stub(_ label: String) -> String {
    "<TABLE BORDER=\"1\" CELLBORDER=\"0\" STYLE=\"ROUNDED\" COLOR=\"#888888\" CELLPADDING=\"3\"><TR><TD><FONT POINT-SIZE=\"9\" COLOR=\"#333333\">\(Markup.escape(label))</FONT></TD></TR></TABLE>"
  }

  private mutating func write(_ port: SchedulePicture.Port, _ index: Int) {
    let id = picture.clusters[port.cluster].id
    let label =
      "<TABLE BORDER=\"1\" CELLBORDER=\"0\" BGCOLOR=\"#FFFFFF\" COLOR=\"#333333\" CELLPADDING=\"4\"><TR><TD>\(port.isInput ? "input" : "output") \(Markup.escape(Markup.shortened(port.name, to: 32)))</TD></TR></TABLE>"
    text += "  port_\(index) [label=<\(label)>];\n"
    let width = Format.fixed(Self.penWidth(port.bytes), 1)
    let look =
      "penwidth=\(width) label=<&#160;&#160;&#160;\(Markup.escape(port.label))&#160;> tooltip=\(Markup.quoted(port.name))"
    text +=
      port.isInput
      ? "  port_\(index) -> \(id) [lhead=cluster_\(id) \(look)];\n"
      : "  \(id) -> port_\(index) [ltail=cluster_\(id) \(look)];\n"
  }
}
