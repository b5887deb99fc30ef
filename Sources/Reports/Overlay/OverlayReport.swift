internal import Basic
package import Results

/// Measured beside predicted, kernel by kernel.
package enum OverlayReport {
  package static func render(_ result: RunResult, _ overlay: Overlay, _ style: TextStyle = TextStyle()) -> String {
    TextReport.heading(result).visible + "\n\n" + body(overlay, style)
  }

  /// The table and its summary, for a report that has a heading already.
  static func body(_ overlay: Overlay, _ style: TextStyle) -> String {
    var table = TextTable([
      ("#", .right), ("kernel", .left), ("predicted", .right), ("measured", .right), ("error", .right),
      ("measured layer", .left),
    ])
    table.widestCell = max(16, (style.width - 45) / 2)
    for match in overlay.matches.sorted(by: { $0.measured > $1.measured }) {
      let ids = match.kernels.prefix(3).map { "\($0.id)" }.joined(separator: ",") + (match.kernels.count > 3 ? "…" : "")
      table.add([
        ids, name(match.kernels.map(\.name)), text(match.predicted, overlay), text(match.measured, overlay),
        percent(match.error), name(match.layers.map(\.name)),
      ])
    }
    return [table.render(), "", summary(overlay)].joined(separator: "\n") + "\n"
  }

  /// Totals, the median error, and what has no partner.
  package static func summary(_ overlay: Overlay) -> String {
    let predicted = overlay.matches.reduce(0) { $0 + $1.predicted }
    let measured = overlay.matches.reduce(0) { $0 + $1.measured }
    let lone = overlay.unmatchedLayers.reduce(0) { $0 + ((overlay.countsCycles ? $1.cycles : $1.seconds) ?? 0) }
    var lines = [
      "matched: predicted \(text(predicted, overlay)), measured \(text(measured, overlay))\(measured > 0 ? " (\(percent(predicted / measured - 1)))" : "")"
    ]
    let errors = overlay.matches.compactMap { $0.error?.magnitude }.sorted()
    if !errors.isEmpty {
      lines.append("median error of \(errors.count) groups \(Format.percent(errors[errors.count / 2]))")
    }
    if !overlay.unmatchedLayers.isEmpty {
      lines.append(
        "\(overlay.unmatchedLayers.count) measured layers without a kernel, \(text(lone, overlay)): \(name(overlay.unmatchedLayers.map(\.name), 3))"
      )
    }
    if !overlay.unmatchedKernels.isEmpty {
      lines.append(
        "\(overlay.unmatchedKernels.count) kernels without a measured layer: \(name(overlay.unmatchedKernels.map(\.name), 3))"
      )
    }
    return lines.joined(separator: "\n")
  }

  static func text(_ value: Double, _ overlay: Overlay) -> String {
    overlay.countsCycles ? "\(TextReport.grouped(Int(min(value, 1e15)))) cyc" : Format.seconds(value)
  }

  static func percent(_ error: Double?) -> String {
    guard let error else { return "–" }
    return (error < 0 ? "−" : "+") + Format.percent(error.magnitude)
  }

  private static func name(_ names: [String], _ count: Int = 1) -> String {
    (names.prefix(count).joined(separator: ", ") + (names.count > count ? " + \(names.count - count) more" : ""))
      .visible
  }
}
