package import Basic
package import Results

/// The first screen of a prediction: how long, how far from the floor, what costs most, where the bytes go.
package enum TextReport: Report {
  package static let name = "text"
  package static let summary = "the first screen: totals, floor, top kernels, bytes, provenance"
  package static let fileExtensions = ["txt"]

  package static func render(
    _ result: RunResult, as fileExtension: String, _ options: ReportOptions
  ) throws(Failure) -> RenderedReport {
    let measured = options.schedule.overlay.map { "\n" + OverlayReport.body($0, options.text) } ?? ""
    return RenderedReport(render(result, options.text) + measured)
  }

  package static func render(_ result: RunResult, _ style: TextStyle = TextStyle()) -> String {
    let ink = Ink(isOn: style.usesColour)
    var lines = [ink.bold(plain(heading(result))), ""]
    lines += totals(result, ink)
    lines += ["", topKernels(result, style)]
    lines += ["", bytes(result)]
    if !result.resources.isEmpty { lines += ["", resources(result)] }
    lines += ["", fusion(result)]
    for diagnostic in result.diagnostics { lines.append(plain(diagnostic.description)) }
    lines += ["", ink.dim(plain(provenance(result)))]
    return lines.joined(separator: "\n") + "\n"
  }

  /// `ResNet-50 on NVIDIA A100 SXM4 80 GB, bf16, batch = 1`.
  package static func heading(_ result: RunResult) -> String {
    let target = result.target.summary.isEmpty ? result.target.name : result.target.summary
    var parts = ["\(result.model.name) on \(target)"]
    if let format = result.request.formats ?? result.request.precision { parts.append(format) }
    if let sparsity = result.request.sparsity { parts.append(sparsity) }
    parts += result.model.dims.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
    return parts.joined(separator: ", ")
  }

  /// The line that says which files, which fidelity and which version a number comes from.
  package static func provenance(_ result: RunResult) -> String {
    // Where the file lies differs between machines; its name and digest do not.
    let file = result.target.file.split(separator: "/").last ?? ""
    let target = "target \(file) \(result.target.sha256.prefix(12))"
    // A graph in text form has no file digest.
    let model = result.model.sha256.isEmpty ? [] : ["model \(result.model.sha256.prefix(12))"]
    let changes = result.request.overrides.isEmpty ? [] : ["set " + result.request.overrides.joined(separator: " ")]
    return
      ([target] + model + changes + ["fidelity \(result.request.fidelity)"] + (result.request.launch.map { ["launch \($0)"] } ?? []) + [
        "cyclewright \(result.version)"
      ])
      .joined(separator: " · ")
  }

  private static func totals(_ result: RunResult, _ ink: Ink) -> [String] {
    let totals = result.totals
    let floorShare = totals.latencySeconds > 0 ? totals.floorSeconds / totals.latencySeconds : 0
    let rate = totals.latencySeconds > 0 ? 2 * Double(result.model.macs) / totals.latencySeconds : 0
    // Kernels that run one after the other overlap nothing: the same figure twice says nothing.
    let overlaps = totals.serialSeconds > totals.latencySeconds * (1 + 1e-9)
    var rows: [(String, String, String)] = [
      (
        "latency", Format.seconds(totals.latencySeconds),
        "\(grouped(totals.cycles)) cycles" + (overlaps ? ", \(Format.seconds(totals.serialSeconds)) if nothing overlapped" : "")
      ),
      (
        "floor", Format.seconds(totals.floorSeconds),
        "\(Format.percent(floorShare)) of the latency; no schedule \(totals.floorScope ?? "on this machine") is faster"
      ),
      (
        "throughput", Format.count(totals.throughputPerSecond) + "/s",
        "\(Format.count(Double(result.model.macs)))MAC per run, \(Format.count(rate))FLOP/s"
      ),
    ]
    for (level, peak) in totals.peakMemoryBytes.sorted(by: { $0.key < $1.key }) {
      let capacity = result.timeline.capacity[level].map { "of \(Format.bytes(Double($0)))" } ?? ""
      rows.append(("peak \(level)", Format.bytes(Double(peak)), capacity))
    }
    rows.append(
      (
        "weights", Format.bytes(Double(result.model.weightBytes)),
        "\(Format.count(Double(result.model.parameters))) parameters".replacing("  ", with: " ")
      ))
    rows.append(
      (
        "energy", totals.energyJoules.map(Format.joules) ?? "unavailable",
        Self.energyNote(totals)
      ))
    rows.append(
      (
        "opaque", Format.percent(totals.opaqueShare), OpaqueShare.note(totals)
      ))
    let width = rows.map(\.0.count).max() ?? 0
    let valueWidth = rows.map(\.1.count).max() ?? 0
    return rows.map { name, value, note in
      let space = String(repeating: " ", count: valueWidth - value.count)
      let line = name.padding(to: width) + "  " + space + (name == "latency" ? ink.bold(value) : value)
      return plain(note).isEmpty ? line : line + "  " + ink.dim(plain(note))
    }
  }

  private static func energyNote(_ totals: Totals) -> String {
    guard totals.energyJoules != nil else { return "the target file states no energies" }
    return (totals.energyByPart ?? [:]).sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
      .map { "\($0.key) \(Format.joules($0.value))" }.joined(separator: ", ")
  }

  /// Stages of a pipeline, the slowest first: their times overlap, so that shares of time would say nothing.
  private static func topStages(_ stages: PipelineStages, _ overhead: Overhead?, _ style: TextStyle) -> String {
    var table = TextTable([
      ("#", .right), ("stage", .left), ("interval", .right), ("of longest", .right), ("adds", .right), ("format", .left), ("choice", .left),
    ])
    table.widestCell = max(16, (style.width - 59) / 2)
    let longest = Double(max(1, stages.slowest?.interval ?? 1))
    let order = stages.byInterval
    for stage in order.prefix(style.topKernels) {
      table.add([
        "\(stage.kernel.id)", plain(Markup.shortened(stage.kernel.name, to: table.widestCell)), Format.seconds(stage.intervalSeconds),
        Format.percent(Double(stage.interval) / longest), stage.isOnLongestWay ? Format.seconds(stage.addedSeconds) : "–",
        plain(stage.kernel.format), plain(stage.kernel.choice),
      ])
    }
    if order.count > style.topKernels { table.add(["", "\(order.count - style.topKernels) more", "", "", "", "", ""]) }
    if let overhead { table.add(["", plain(overhead.name), "", "", Format.seconds(overhead.seconds), "", ""]) }
    let note = "the longest interval sets the throughput; what stages add behind those they read from makes the latency"
    return table.render() + "\n" + note
  }

  /// Where the time goes; kernels that are alike are one row.
  private static func topKernels(_ result: RunResult, _ style: TextStyle) -> String {
    if let stages = PipelineStages(result) { return topStages(stages, result.totals.overhead, style) }
    var table = TextTable([
      ("#", .right), ("kernel", .left), ("", .right), ("each", .right), ("share", .right), ("bound", .left), ("format", .left),
      ("choice", .left),
    ])
    // Numbers, shares and bounds take about 57 columns; names and choices share the rest.
    table.widestCell = max(16, (style.width - 59) / 2)
    let total = max(result.accountedSeconds, .leastNormalMagnitude)
    let groups = AlikeKernels.groups(result.kernels) { $0.latencySeconds }
    for group in groups.prefix(style.topKernels) {
      guard let kernel = group.first else { continue }
      table.add([
        "\(kernel.id)", plain(Markup.shortened(kernel.name, to: table.widestCell)), group.count > 1 ? "\(group.count) ×" : "",
        Format.seconds(kernel.latencySeconds), Format.percent(group.reduce(0) { $0 + $1.latencySeconds } / total), kernel.bound.label,
        plain(kernel.format), plain(kernel.choice),
      ])
    }
    let rest = groups.dropFirst(style.topKernels).joined()
    if !rest.isEmpty {
      let time = rest.reduce(0) { $0 + $1.latencySeconds }
      table.add(["", "\(rest.count) more, together", "", Format.seconds(time), Format.percent(time / total), "", "", ""])
    }
    if let overhead = result.totals.overhead {
      let seconds = overhead.seconds
      table.add(["", plain(overhead.name), "", Format.seconds(seconds), Format.percent(seconds / total), Bound.host.label, "", ""])
    }
    return table.render()
  }

  private static func bytes(_ result: RunResult) -> String {
    let levels = result.totals.bytesMoved.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    guard !levels.isEmpty else { return "bytes moved: none" }
    return "bytes moved: "
      + plain(levels.map { "\($0.key) \(Format.bytes(Double($0.value)))" }.joined(separator: " · "))
  }

  private static func resources(_ result: RunResult) -> String {
    var table = TextTable([("resource", .left), ("used", .right), ("available", .right), ("share", .right)])
    for (name, use) in result.resources.sorted(by: { $0.key < $1.key }) {
      table.add([
        plain(name), Format.fixed(use.used, 0), Format.fixed(use.available, 0),
        use.available > 0 ? Format.percent(use.used / use.available) : "–",
      ])
    }
    return table.render()
  }

  private static func fusion(_ result: RunResult) -> String {
    let fused = result.fusion.applied.reduce(0) { $0 + $1.nodes.count }
    return
      "\(result.model.sourceNodes) source nodes → \(result.kernels.count) kernels: \(result.fusion.applied.count) fusions of \(fused) nodes, \(result.folded.count) folded away, \(result.fusion.missed.count) fusions missed"
  }

  /// Names come from files: nothing in them may steer the terminal.
  static func plain(_ text: String) -> String { text.printable }

  static func grouped(_ value: Int) -> String {
    var digits = Array(String(value.magnitude))
    var index = digits.count - 3
    while index > 0 {
      digits.insert(",", at: index)
      index -= 3
    }
    return (value < 0 ? "-" : "") + String(digits)
  }
}

/// Terminal emphasis that can be off.
struct Ink {
  var isOn: Bool
  func bold(_ text: String) -> String { isOn ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  func dim(_ text: String) -> String { isOn ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
}

extension String {
  func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
