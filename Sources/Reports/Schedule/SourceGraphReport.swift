package import Basic
package import Results

/// The graph as the model file has it, each node with the kernel that carries it out: the other half of the schedule.
package enum SourceGraphReport: Report {
  package static let name = "graph"
  package static let summary = "the source graph, each node with its kernel"
  package static let fileExtensions = ["svg", "dot", "png", "pdf"]

  package static func render(
    _ result: RunResult, as fileExtension: String, _ options: ReportOptions
  ) throws(Failure) -> RenderedReport {
    guard !result.outline.nodes.isEmpty else {
      throw Failure(
        "the result has no source graph", fix: "draw --view schedule shows the kernels, which name their source nodes")
    }
    let dot = SourceGraphDOT(result, options.schedule).text
    return fileExtension == "dot" ? RenderedReport(dot) : options.graphviz.report(dot, as: fileExtension)
  }
}

/// Writes the source graph in the DOT language: a box per node, or per kernel where there are too many nodes.
struct SourceGraphDOT {
  private(set) var text = ""
  private let result: RunResult
  /// Kernel of each node by index; nil for folded nodes.
  private let owner: [Int?]
  /// Box of each node; nil for nodes that are not drawn.
  private var box: [Int?]
  private var members: [[Int]] = []
  private let partner: String?

  /// Nodes drawn one by one at most.
  static let nodeLimit = 300

  init(_ result: RunResult, _ options: ScheduleOptions) {
    self.result = result
    partner = options.partner
    let nodes = result.outline.nodes
    var kernelOf: [String: Int] = [:]
    for (index, kernel) in result.kernels.enumerated() { for name in kernel.origin { kernelOf[name] = index } }
    owner = nodes.map { kernelOf[$0.name] }
    box = Array(repeating: nil, count: nodes.count)
    chooseBoxes(options)
    write()
  }

  private mutating func chooseBoxes(_ options: ScheduleOptions) {
    let nodes = result.outline.nodes
    if let focus = options.focus {
      var near = Set(nodes.indices.filter { nodes[$0].name.contains(focus) })
      for _ in 0..<max(0, min(options.hops, 100)) {
        let before = near
        for edge in result.outline.edges where edge.count == 2 {
          if before.contains(edge[0]) { near.insert(edge[1]) }
          if before.contains(edge[1]) { near.insert(edge[0]) }
        }
      }
      for node in near.sorted().prefix(Self.nodeLimit) { addBox([node]) }
    } else if nodes.count <= Self.nodeLimit {
      for node in nodes.indices { addBox([node]) }
    } else {
      // Nodes of one kernel share a box; folded ones are left out and bridged.
      var byKernel: [Int: [Int]] = [:]
      for node in nodes.indices { if let kernel = owner[node] { byKernel[kernel, default: []].append(node) } }
      let order = byKernel.keys.sorted { (byKernel[$0]?.first ?? 0) < (byKernel[$1]?.first ?? 0) }
      for kernel in order.prefix(Self.nodeLimit) { addBox(byKernel[kernel] ?? []) }
    }
  }

  private mutating func addBox(_ nodes: [Int]) {
    for node in nodes { box[node] = members.count }
    members.append(nodes)
  }

  private mutating func write() {
    let font = ScheduleDOT.font
    let hidden = result.outline.nodes.count - members.reduce(0) { $0 + $1.count }
    var caption = "\(TextReport.heading(result)): source graph, \(result.outline.nodes.count) nodes"
    if hidden > 0 { caption += ", \(hidden) of them not drawn" }
    text =
      "digraph source {\n  graph [charset=\"UTF-8\" bgcolor=\"#FFFFFF\" fontname=\"\(font)\" fontsize=12 labelloc=b labeljust=l nodesep=0.2 ranksep=0.3 nslimit=1 nslimit1=1 mclimit=0.1 searchsize=10 label=\(Markup.quoted(caption))];\n"
    text +=
      "  node [shape=plain fontname=\"\(font)\" fontsize=10];\n  edge [fontname=\"\(font)\" fontsize=8 color=\"#6A6A6A\" arrowsize=0.6];\n"
    for index in members.indices { writeBox(index) }
    for edge in contracted() { text += "  s\(edge[0]) -> s\(edge[1]);\n" }
    text += "}\n"
  }

  private mutating func writeBox(_ index: Int) {
    let nodes = members[index].map { result.outline.nodes[$0] }
    guard let first = nodes.first, let node = members[index].first else { return }
    let kernel = owner[node].map { result.kernels[$0] }
    let fill = kernel.map { Palette.fill(ofKind: $0.kind) } ?? "#FFFFFF"
    let border = kernel.map { Palette.colour(of: $0.bound) } ?? "#BBBBBB"
    let place = kernel.map { "in #\($0.id) \(Markup.shortened($0.name, to: 32))" } ?? "folded"
    var rows = [
      "<B>\(Markup.escape(Markup.shortened(nodes.count == 1 ? first.operation : "\(nodes.count) nodes", to: 40)))</B>"
    ]
    if nodes.count == 1 {
      rows += [
        Markup.escape(Markup.shortened(first.name, to: 44)),
        Markup.escape(Markup.shortened(SchedulePicture.compact(first.type), to: 44)),
      ]
    } else {
      rows += nodes.prefix(6).map { Markup.escape(Markup.shortened("\($0.operation) \($0.name)", to: 44)) }
      if nodes.count > 6 { rows.append("… \(nodes.count - 6) more") }
    }
    rows.append("<FONT POINT-SIZE=\"9\" COLOR=\"#333333\">\(Markup.escape(place))</FONT>")
    let cells = rows.map { "<TR><TD ALIGN=\"LEFT\">\($0)</TD></TR>" }.joined()
    let table =
      "<TABLE BORDER=\"2\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\" STYLE=\"ROUNDED\" COLOR=\"\(border)\" BGCOLOR=\"\(fill)\">\(cells)</TABLE>"
    let reason = kernel?.reason ?? result.folded.first { $0.name == first.name }?.reason ?? ""
    let link = partner.flatMap { file in kernel.map { Markup.link(to: file, "kernel_k\($0.id)") } } ?? ""
    text +=
      "  s\(index) [id=\"source_\(node)\"\(link) tooltip=\(Markup.quoted("\(first.name)\n\(place)\n\(reason)")) label=<\(table)>];\n"
  }

  /// Edges between boxes; a path through nodes that are not drawn counts as one.
  private func contracted() -> [[Int]] {
    var successors: [Int: [Int]] = [:]
    for edge in result.outline.edges where edge.count == 2 { successors[edge[0], default: []].append(edge[1]) }
    var seen = Set<[Int]>()
    var edges: [[Int]] = []
    for (index, nodes) in members.enumerated() {
      var waiting = nodes.flatMap { successors[$0] ?? [] }
      var visited = Set(nodes)
      while let next = waiting.popLast() {
        guard visited.insert(next).inserted else { continue }
        if let to = box[next] {
          if to != index, seen.insert([index, to]).inserted { edges.append([index, to]) }
        } else {
          waiting += successors[next] ?? []
        }
      }
    }
    return edges.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }
  }
}
