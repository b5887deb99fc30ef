internal import Basic
internal import Compression

extension CompressionComparison {
  /// - Parameter top: rows of each table.
  package func text(top: Int = 12) -> String {
    var parts = ["A  \(title(first))\nB  \(title(second))", totals]
    let rows = rows
    if !rows.isEmpty {
      parts.append(nodeTable(Array(rows.prefix(top))))
      if rows.count > top { parts.append("… \(rows.count - top) more with --top") }
    }
    for (name, report) in [("A", first), ("B", second)] {
      guard let latency = report.latency else { continue }
      if latency.slower.isEmpty {
        parts.append("No layer is slower in \(name) than in the original.")
      } else {
        parts.append(slowerTable(name, latency, top: top))
      }
    }
    if first.latency?.target != second.latency?.target {
      parts.append("note: times are of different targets (\(first.latency?.target ?? "none"), \(second.latency?.target ?? "none"))")
    }
    if first.evaluationData != second.evaluationData {
      parts.append("note: accuracy is of different data (\(first.evaluationData ?? "none"), \(second.evaluationData ?? "none"))")
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private func title(_ report: CompressionReport) -> String {
    report.recipe.isEmpty ? report.model : "\(report.model) compressed by \(report.recipe), seed \(report.seed)"
  }

  private var totals: String {
    var table = TextTable([("", .left), ("original", .right), ("A", .right), ("B", .right)])
    func add(_ name: String, _ original: String?, _ value: (CompressionReport) -> String?) {
      let (a, b) = (value(first), value(second))
      guard a != nil || b != nil else { return }
      table.add([name, original ?? "–", a ?? "–", b ?? "–"])
    }
    let share = { (value: Double) in "\(Format.fixed(value * 100, 2)) %" }
    let before = first.sizeBefore ?? second.sizeBefore
    add("size", before.map { Format.bytes(Double($0.total)) }) { $0.sizeAfter.map { Format.bytes(Double($0.total)) } }
    add("smaller", nil) { report in
      report.sizeAfter.flatMap { after in
        report.sizeBefore.map { "× \(Format.fixed(Double($0.total) / Double(max(1, after.total)), 2))" }
      }
    }
    add("top-1", (first.accuracy?.referenceTop1 ?? second.accuracy?.referenceTop1).map(share)) { $0.accuracy?.top1.map(share) }
    add("agreement", nil) { $0.accuracy?.agreement.map(share) }
    add("SQNR", nil) { $0.accuracy?.sqnrDecibels.map { "\(Format.fixed($0, 1)) dB" } }
    add("KL", nil) { $0.accuracy?.divergence.map { Format.number($0, digits: 6) } }
    let old = first.latency?.beforeSeconds ?? second.latency?.beforeSeconds
    add("latency", old.map { Format.seconds($0) }) { $0.latency.map { Format.seconds($0.afterSeconds) } }
    add("faster", nil) { $0.latency.map { "× \(Format.fixed($0.beforeSeconds / max($0.afterSeconds, 1e-12), 2))" } }
    return table.render()
  }

  private func nodeTable(_ rows: [Row]) -> String {
    var table = TextTable([
      ("stored tensor", .left), ("A dB", .right), ("B dB", .right), ("B − A", .right), ("A time", .right), ("B time", .right),
    ])
    for row in rows {
      let both = row.decibels.0 != nil && row.decibels.1 != nil
      table.add([
        row.name, row.decibels.0.map { Format.fixed($0, 1) } ?? "–", row.decibels.1.map { Format.fixed($0, 1) } ?? "–",
        both ? Format.fixed(-row.loss, 1) : "–", row.seconds.0.map { Format.seconds($0) } ?? "–",
        row.seconds.1.map { Format.seconds($0) } ?? "–",
      ])
    }
    return table.render()
  }

  private func slowerTable(_ name: String, _ latency: CompressionReport.Latency, top: Int) -> String {
    var table = TextTable([("slower in \(name)", .left), ("original", .right), (name, .right), ("why", .left)])
    table.widestCell = 90
    for row in latency.slower.prefix(top) {
      table.add([row.layer, Format.seconds(row.beforeSeconds), Format.seconds(row.afterSeconds), row.reason])
    }
    return table.render()
  }
}
