internal import Basic
package import Compression

extension CompressionReport {
  /// The report as people read it.
  ///
  /// - Parameter top: rows of each table.
  package func text(top: Int = 12) -> String {
    var parts = [summary]
    let layers = records.filter { !$0.layer.isEmpty }
    if !records.isEmpty { parts.append(stageTable(Array(records.prefix(layers.count > 3 * top ? top : records.count)))) }
    if records.count > 3 * top { parts.append("… \(records.count - top) more in --json") }
    if let integers, !integers.rows.isEmpty { parts.append(integerTable(integers, top: top)) }
    if let latency { parts.append(latencyText(latency)) }
    if let latencyRefusal { parts.append("latency   none: \(latencyRefusal)") }
    if !goals.isEmpty { parts.append(goalTable) }
    parts += warnings.prefix(top).map { "warning: \($0)" }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private var summary: String {
    // What `evaluate` measured was not compressed here.
    var lines = [recipe.isEmpty ? "\(model) evaluated" : "\(model) compressed by \(recipe), seed \(seed)"]
    if let before = sizeBefore, let after = sizeAfter {
      let ratio = Double(before.total) / Double(max(1, after.total))
      lines.append(
        "size      \(Format.bytes(Double(before.total))) → \(Format.bytes(Double(after.total))), × \(Format.fixed(ratio, 2)) smaller "
          + "(weights \(Format.bytes(Double(after.weights))), scales \(Format.bytes(Double(after.scales))), "
          + "zero points \(Format.bytes(Double(after.zeroPoints))), "
          + (after.codebooks == 0 ? "" : "codebooks \(Format.bytes(Double(after.codebooks))), ")
          + "sparsity positions \(Format.bytes(Double(after.sparsityMetadata))), "
          + "other \(Format.bytes(Double(after.others))))")
    }
    if let accuracy { lines.append("accuracy  " + accuracy.text + (evaluationData.map { " on \($0)" } ?? "")) }
    return lines.joined(separator: "\n")
  }

  private func stageTable(_ rows: [StageRecord]) -> String {
    var table = TextTable([("stage", .left), ("layer", .left), ("what", .left), ("figures", .left), ("why", .left)])
    for row in rows {
      let figures = row.figures.map { "\($0.name) \(Format.number($0.value, digits: $0.value.magnitude < 0.01 ? 6 : 2))" }
      table.add([row.stage, row.layer, row.action, figures.joined(separator: ", "), row.reason ?? ""])
    }
    return table.render()
  }

  private func integerTable(_ report: IntegerReport, top: Int) -> String {
    var table = TextTable([
      ("stored tensor", .left), ("rounded dB", .right), ("integer dB", .right), ("own gap LSB", .right), ("gap LSB", .right),
      ("differing", .right),
    ])
    let worst = report.rows.sorted { ($0.integerDecibels ?? 999, $0.tensor) < ($1.integerDecibels ?? 999, $1.tensor) }
    for row in worst.prefix(top) {
      table.add([
        row.tensor, row.fakeDecibels.map { Format.fixed($0, 1) } ?? "–", row.integerDecibels.map { Format.fixed($0, 1) } ?? "–",
        "\(row.ownGap)", "\(row.largestGap)", Format.percent(row.differingShare),
      ])
    }
    let largest = report.rows.map(\.largestGap).max() ?? 0
    let own = report.rows.map(\.ownGap).max() ?? 0
    let head =
      "integers  \(report.rows.count) stored tensors on \(report.samples) samples, \(arithmetic.accumulatorBits)-bit sums, "
      + "\(arithmetic.requantization.rawValue) requantisation: at most \(own) LSB from rounded real "
      + "arithmetic on the same inputs, \(largest) with what has grown over the layers; \(report.overflows) overflows"
    return head + "\n" + table.render()
  }

  private func latencyText(_ latency: Latency) -> String {
    let ratio = latency.beforeSeconds / max(latency.afterSeconds, 1e-12)
    let verdict = ratio >= 1 ? "× \(Format.fixed(ratio, 2)) faster" : "× \(Format.fixed(1 / ratio, 2)) SLOWER"
    var text =
      "latency   \(Format.seconds(latency.beforeSeconds)) → \(Format.seconds(latency.afterSeconds)), \(verdict) on \(latency.target)"
    guard !latency.slower.isEmpty else { return text }
    var table = TextTable([("slower layer", .left), ("before", .right), ("after", .right), ("why", .left)])
    table.widestCell = 90
    for row in latency.slower.prefix(10) {
      table.add([row.layer, Format.seconds(row.beforeSeconds), Format.seconds(row.afterSeconds), row.reason])
    }
    text += "\n" + table.render()
    return text
  }

  /// Why a goal has no value.
  private func absence(_ metric: String) -> String {
    switch metric {
    case "latency_ms": latencyRefusal == nil ? "not measured: no target" : "not measured: the target cannot run it"
    case "top1" where accuracy != nil: "not measured: no labels"
    default: "not measured"
    }
  }

  private var goalTable: String {
    var table = TextTable([("goal", .left), ("limit", .left), ("value", .right), ("", .left)])
    for goal in goals {
      table.add([goal.metric, goal.limit, goal.value.map { Format.number($0) } ?? absence(goal.metric), goal.isMet ? "met" : "NOT MET"])
    }
    return table.render()
  }
}

extension AccuracyReport {
  /// One line.
  package var text: String {
    var parts: [String] = []
    if let top1 {
      parts.append("top-1 \(Format.fixed(top1 * 100, 2)) %" + (referenceTop1.map { " (original \(Format.fixed($0 * 100, 2)) %)" } ?? ""))
    }
    if let agreement { parts.append("agreement \(Format.fixed(agreement * 100, 2)) %") }
    if let sqnrDecibels { parts.append("SQNR \(Format.fixed(sqnrDecibels, 1)) dB") }
    if let divergence { parts.append("KL \(Format.number(divergence, digits: 6))") }
    if let cosine { parts.append("cosine \(Format.number(cosine, digits: 6))") }
    if let meanSquaredError { parts.append("MSE \(Format.significant(meanSquaredError))") }
    return parts.joined(separator: ", ") + "; \(samples) samples"
  }
}
