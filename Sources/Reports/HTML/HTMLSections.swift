internal import Basic
internal import Results

/// The sections of the page, in order; a section without content is left out.
struct HTMLSections {
  private var sections: [(id: String, title: String, body: String)] = []

  init(_ result: RunResult, _ earlier: RunResult?, _ schedule: HTMLSchedule, _ overlay: Overlay?) {
    add("summary", "Summary", HTMLSummary.text(result))
    if let earlier { add("compare", "Comparison", HTMLComparison.text(earlier, result)) }
    add("schedule", "Schedule", Self.schedule(schedule))
    add("timeline", "Timeline", Self.timeline)
    add("kernels", "Kernels", HTMLKernelTable.text(result, schedule))
    if let overlay { add("measured", "Measured", HTMLComparison.text(overlay)) }
    add("memory", "Memory", result.timeline.occupancy.isEmpty ? "" : Self.picture(MemoryReport.draw(result)))
    add("roofline", "Roofline", RooflineReport.obstacle(result) == nil ? Self.picture(RooflineReport.draw(result)) : "")
    add("fusion", "Fusion", HTMLLedger.fusion(result))
    add("sparsity", "Sparsity", HTMLLedger.sparsity(result))
    add("resources", "Resources", HTMLLedger.resources(result))
    add("assumptions", "Assumptions", HTMLLedger.assumptions(result))
  }

  private mutating func add(_ id: String, _ title: String, _ body: String) {
    if !body.isEmpty { sections.append((id, title, body)) }
  }

  var navigation: String { sections.map { "<a href=\"#\($0.id)\">\($0.title)</a>" }.joined(separator: " ") }

  var text: String {
    sections.map { "<section id=\"\($0.id)\"><h2>\($0.title)</h2>\n\($0.body)\n</section>" }.joined(separator: "\n")
  }

  private static func schedule(_ schedule: HTMLSchedule) -> String {
    guard let svg = schedule.svg else {
      return
        "<p class=\"note\">The schedule could not be drawn: \(Markup.escape(schedule.diagnostics.map(\.message).joined(separator: "; "))).</p>"
    }
    return """
      <div class="tools"><button type="button" data-zoom="in" title="larger (+)">+</button><button type="button" data-zoom="out" title="smaller (−)">−</button><button type="button" data-zoom="fit" title="whole picture (0)">fit</button><span class="hint">drag to move, wheel to zoom, click a kernel to find it in the table; keys: / search, j k next and previous kernel, + − 0 zoom, Esc clear</span></div>
      <div class="picture viewport" id="schedule-view" tabindex="0">\(svg)</div>
      """
  }

  private static let timeline = """
    <div class="tools"><button type="button" data-time="in">+</button><button type="button" data-time="out">−</button><button type="button" data-time="fit">fit</button><label>search <input id="time-search" type="search" placeholder="name or #number"/></label><span class="hint" id="time-hint">drag to move, wheel to zoom, arrow keys when focused</span></div>
    <canvas id="time-view" tabindex="0" role="img" aria-label="timeline"></canvas>
    <noscript><p class="note">The timeline needs scripts; the kernel table has every start and duration.</p></noscript>
    """

  private static func picture(_ drawing: Drawing) -> String {
    "<div class=\"picture\">\(SVGWriter.write(drawing))</div>"
  }
}

/// Tables of text that is escaped cell by cell.
enum HTMLTable {
  static func text(_ header: [String], _ rows: [[String]]) -> String {
    let head = header.map { "<th>\(Markup.escape($0))</th>" }.joined()
    let body = rows.map { row in "<tr>" + row.map(cell).joined() + "</tr>" }.joined(separator: "\n")
    return "<div class=\"wide\"><table><thead><tr>\(head)</tr></thead><tbody>\(body)</tbody></table></div>"
  }

  /// Numbers with their unit stay on one line.
  private static func cell(_ text: String) -> String {
    let isNumber = text.count < 14 && text.first.map { $0.isNumber || "+−–".contains($0) } == true
    return "<td\(isNumber ? " class=\"n\"" : "")>\(Markup.escape(text))</td>"
  }
}

/// The first screen as a table of facts.
enum HTMLSummary {
  static func text(_ result: RunResult) -> String {
    let totals = result.totals
    let share =
      totals.latencySeconds > 0
      ? Format.percent(totals.floorSeconds / totals.latencySeconds) + " of the latency" + (totals.floorScope.map { ", \($0)" } ?? "") : ""
    var facts: [(String, String, String)] = [
      ("latency", Format.seconds(totals.latencySeconds), "\(TextReport.grouped(totals.cycles)) cycles"),
      ("floor", Format.seconds(totals.floorSeconds), share),
      totals.overhead.map { ($0.name, Format.seconds($0.seconds), "of the latency, in no kernel") },
      ("nothing overlapped", Format.seconds(totals.serialSeconds), ""),
      ("throughput", Format.count(totals.throughputPerSecond) + "/s", ""),
      ("kernels", "\(result.kernels.count)", "from \(result.model.sourceNodes) source nodes"),
      (
        "weights", Format.bytes(Double(result.model.weightBytes)),
        "\(Format.count(Double(result.model.parameters))) parameters"
      ),
      ("energy", totals.energyJoules.map(Format.joules) ?? "unavailable", ""),
      ("opaque", Format.percent(totals.opaqueShare), OpaqueShare.note(totals)),
    ].compactMap(\.self)
    for (level, bytes) in totals.peakMemoryBytes.sorted(by: { $0.key < $1.key }) {
      facts.append(("peak \(level)", Format.bytes(Double(bytes)), ""))
    }
    for (level, bytes) in totals.bytesMoved.sorted(by: { $0.key < $1.key }) {
      facts.append(("moved through \(level)", Format.bytes(Double(bytes)), ""))
    }
    let cards = facts.map {
      "<div class=\"fact\"><span>\(Markup.escape($0.0))</span><b>\(Markup.escape($0.1))</b><small>\(Markup.escape($0.2))</small></div>"
    }
    let notes = result.diagnostics.prefix(50).map { "<li>\(Markup.escape($0.description))</li>" }.joined()
    return "<div class=\"facts\">\(cards.joined())</div>\(bar(result))"
      + (notes.isEmpty ? "" : "<ul class=\"note\">\(notes)</ul>")
  }

  /// The time by bound as one bar.
  private static func bar(_ result: RunResult) -> String {
    let total = result.accountedSeconds
    // Stages of a pipeline overlap: no bar has room for all.
    guard total > 0, PipelineStages(result) == nil else { return "" }
    let parts = Bound.allCases.compactMap { bound -> String? in
      let share = result.kernels.filter { $0.bound == bound }.reduce(0) { $0 + $1.latencySeconds } / total
      guard share > 0 else { return nil }
      let text = "\(bound.label) \(Format.percent(share))"
      return
        "<div style=\"flex:\(SVGWriter.number(share * 100)) 0 0;border-color:\(Palette.colour(of: bound))\" title=\"\(text)\">\(share > 0.07 ? text : "")</div>"
    }
    let overhead = result.totals.overhead.map { overhead in
      let (share, colour) = (overhead.seconds / total, Palette.colour(of: .host))
      let text = "\(Markup.escape(overhead.name)) \(Format.percent(share))"
      return
        "<div style=\"flex:\(SVGWriter.number(share * 100)) 0 0;border-color:\(colour)\" title=\"\(text)\">\(share > 0.07 ? text : "")</div>"
    }
    return "<div class=\"bounds\" role=\"img\" aria-label=\"time by bound\">\(overhead ?? "")\(parts.joined())</div>"
  }
}

enum HTMLLedger {
  static func fusion(_ result: RunResult) -> String {
    let ledger = result.fusion
    guard !ledger.applied.isEmpty || !ledger.missed.isEmpty || !result.folded.isEmpty else { return "" }
    var text = ""
    if !ledger.missed.isEmpty {
      text +=
        "<h3>Missed (\(ledger.missed.count))</h3>"
        + HTMLTable.text(
          ["rule", "first condition that failed", "nodes"],
          ledger.missed.prefix(500).map { [$0.rule, $0.reason, nodes($0.nodes)] })
    }
    if !ledger.applied.isEmpty {
      text +=
        "<details><summary>Applied (\(ledger.applied.count))</summary>"
        + HTMLTable.text(["rule", "nodes"], ledger.applied.prefix(1000).map { [$0.rule, nodes($0.nodes)] })
        + "</details>"
    }
    if !result.folded.isEmpty {
      text +=
        "<details><summary>Folded away (\(result.folded.count))</summary>"
        + HTMLTable.text(["source node", "reason"], result.folded.prefix(1000).map { [$0.name, $0.reason] })
        + "</details>"
    }
    return text
  }

  private static func nodes(_ names: [String]) -> String {
    names.prefix(12).joined(separator: ", ") + (names.count > 12 ? " and \(names.count - 12) more" : "")
  }

  static func sparsity(_ result: RunResult) -> String {
    guard let verdicts = result.sparsity, !verdicts.isEmpty else { return "" }
    return HTMLTable.text(
      ["layer", "eligible", "used", "gain", "bound", "positions", "reason"],
      verdicts.prefix(2000).map {
        [
          $0.layer, $0.eligible ? "yes" : "no", $0.chosen ? "yes" : "no", Format.fixed($0.gain, 2) + "×",
          $0.bound.label, Format.bytes(Double($0.metadataBytes)), $0.reason,
        ]
      })
  }

  static func resources(_ result: RunResult) -> String {
    guard !result.resources.isEmpty else { return "" }
    return HTMLTable.text(
      ["resource", "used", "available", "share"],
      result.resources.sorted { $0.key < $1.key }.map { name, use in
        [
          name, Format.fixed(use.used, 0), Format.fixed(use.available, 0),
          use.available > 0 ? Format.percent(use.used / use.available) : "–",
        ]
      })
  }

  static func assumptions(_ result: RunResult) -> String {
    guard !result.assumptions.isEmpty else { return "" }
    return HTMLTable.text(
      ["what", "basis", "source"], result.assumptions.prefix(2000).map { [$0.what, $0.basis.rawValue, $0.source] })
  }
}

enum HTMLComparison {
  static func text(_ overlay: Overlay) -> String {
    let rows = overlay.matches.sorted { $0.measured > $1.measured }.prefix(2000).map { match in
      [
        names(match.kernels), match.layers.prefix(3).map(\.name).joined(separator: ", "),
        OverlayReport.text(match.predicted, overlay),
        OverlayReport.text(match.measured, overlay), OverlayReport.percent(match.error),
      ]
    }
    return "<p>\(Markup.escape(OverlayReport.summary(overlay)))</p>"
      + HTMLTable.text(["kernels", "measured layers", "predicted", "measured", "error"], Array(rows))
  }

  static func text(_ earlier: RunResult, _ result: RunResult) -> String {
    let comparison = ResultComparison(earlier, result)
    let changes = RepeatedChange.group(comparison.matches)
    let a = earlier.totals.latencySeconds
    let b = result.totals.latencySeconds
    let intro =
      "<p>A is \(Markup.escape(TextReport.heading(earlier))): \(Format.seconds(a)). B is this result: \(Format.seconds(b))\(a > 0 ? ", \(Format.fixed(b / a, 2)) times as long" : "").</p>"
    let rows = changes.prefix(500).map { change in
      let match = change.matches.first
      return [
        names(change.matches.map(\.first)), names(change.matches.map(\.second)), "\(change.matches.count) ×",
        Format.seconds(match?.firstSeconds ?? 0), Format.seconds(match?.secondSeconds ?? 0),
        (change.difference < 0 ? "−" : "+") + Format.seconds(change.difference.magnitude), change.reason,
      ]
    }
    return intro
      + HTMLTable.text(["kernels in A", "kernels in B", "times", "A each", "B each", "difference in all", "what changed"], Array(rows))
  }

  /// The kernels of the first of several like groups, and where the others are.
  private static func names(_ groups: [[KernelResult]]) -> String {
    let others = groups.dropFirst().compactMap { $0.first.map { "#\($0.id)" } }
    return names(groups.first ?? [])
      + (others.isEmpty ? "" : "; also " + others.prefix(12).joined(separator: ", ") + (others.count > 12 ? ", …" : ""))
  }

  private static func names(_ kernels: [KernelResult]) -> String {
    kernels.isEmpty
      ? "–"
      : kernels.prefix(4).map { "#\($0.id) \($0.name)" }.joined(separator: ", ")
        + (kernels.count > 4 ? " and \(kernels.count - 4) more" : "")
  }
}
