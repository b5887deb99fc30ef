internal import Basic
package import Results

/// What changed from one result to another: totals, what merged or split, what got slower and why.
package enum CompareReport {
  package static func render(_ first: RunResult, _ second: RunResult, _ style: TextStyle = TextStyle()) -> String {
    let comparison = ResultComparison(first, second)
    var lines = ["A  \(TextReport.heading(first))".visible, "B  \(TextReport.heading(second))".visible, ""]
    lines.append(totals(first.totals, second.totals))
    lines.append("")
    lines += shape(comparison)
    let changes = RepeatedChange.group(comparison.matches)
    let slower = changes.filter { $0.difference > 0 }
    let faster = changes.filter { $0.difference < 0 }
    lines += list("Slower in B", slower, style)
    lines += list("Faster in B", faster, style)
    if slower.isEmpty && faster.isEmpty { lines.append("No kernel changed its time.") }
    lines += ["", "A  \(TextReport.provenance(first))".visible, "B  \(TextReport.provenance(second))".visible]
    return lines.joined(separator: "\n") + "\n"
  }

  private static func totals(_ a: Totals, _ b: Totals) -> String {
    var table = TextTable([("", .left), ("A", .right), ("B", .right), ("B / A", .right)])
    table.add([
      "latency", Format.seconds(a.latencySeconds), Format.seconds(b.latencySeconds),
      ratio(a.latencySeconds, b.latencySeconds),
    ])
    table.add([
      "floor", Format.seconds(a.floorSeconds), Format.seconds(b.floorSeconds), ratio(a.floorSeconds, b.floorSeconds),
    ])
    table.add([
      "throughput", Format.count(a.throughputPerSecond) + "/s", Format.count(b.throughputPerSecond) + "/s",
      ratio(a.throughputPerSecond, b.throughputPerSecond),
    ])
    for level in Set(a.bytesMoved.keys).union(b.bytesMoved.keys).sorted() {
      let (x, y) = (a.bytesMoved[level] ?? 0, b.bytesMoved[level] ?? 0)
      table.add([
        "bytes \(level)".visible, Format.bytes(Double(x)), Format.bytes(Double(y)), ratio(Double(x), Double(y)),
      ])
    }
    let energy = { (value: Double?) in value.map(Format.joules) ?? "unavailable" }
    table.add([
      "energy", energy(a.energyJoules), energy(b.energyJoules),
      a.energyJoules.flatMap { x in b.energyJoules.map { ratio(x, $0) } } ?? "–",
    ])
    return table.render()
  }

  private static func shape(_ comparison: ResultComparison) -> [String] {
    let count = { (change: ResultComparison.Match.Change) in comparison.matches.count { $0.change == change } }
    var lines = [
      "\(comparison.first.kernels.count) kernels in A, \(comparison.second.kernels.count) in B: \(count(.same)) correspond one to one, \(count(.merged)) groups merged, \(count(.split)) split, \(count(.regrouped)) were cut differently."
    ]
    if count(.onlyFirst) > 0 { lines.append("\(count(.onlyFirst)) kernels exist in A only.") }
    if count(.onlySecond) > 0 { lines.append("\(count(.onlySecond)) kernels exist in B only.") }
    return lines
  }

  private static func list(_ title: String, _ changes: [RepeatedChange], _ style: TextStyle) -> [String] {
    guard !changes.isEmpty else { return [] }
    let sum = changes.reduce(0) { $0 + $1.difference }
    let count = changes.reduce(0) { $0 + $1.matches.count }
    var lines = ["", "\(title): \(count) groups, \(Format.seconds(sum.magnitude)) together"]
    for change in changes.prefix(style.topKernels) { lines.append("  " + describe(change)) }
    if changes.count > style.topKernels {
      let rest = changes.dropFirst(style.topKernels)
      lines.append("  … and \(rest.reduce(0) { $0 + $1.matches.count }) more")
    }
    return lines
  }

  /// `12 × A #3 conv1 20.1 µs → B #2 conv1 12.0 µs (−40.1 %): …`; repeated blocks are told once.
  static func describe(_ change: RepeatedChange) -> String {
    guard let match = change.matches.first else { return "" }
    let share =
      match.firstSeconds > 0
      ? " (\(match.difference < 0 ? "−" : "+")\(Format.percent(match.difference.magnitude / match.firstSeconds)))" : ""
    let times = change.matches.count > 1 ? "\(change.matches.count) × " : ""
    let all = change.matches.count > 1 ? ", \(Format.seconds(change.difference.magnitude)) in all" : ""
    return
      "\(times)\(names("A", match.first)) \(Format.seconds(match.firstSeconds)) → \(names("B", match.second)) \(Format.seconds(match.secondSeconds))\(share)\(all): \(change.reason)"
      .visible
  }

  private static func names(_ side: String, _ kernels: [KernelResult]) -> String {
    guard let first = kernels.first else { return "\(side) –" }
    return "\(side) #\(first.id) \(Markup.shortened(first.name, to: 40))"
      + (kernels.count > 1 ? " + \(kernels.count - 1) more" : "")
  }

  /// What differs between the two sides, the most telling first.
  static func why(_ match: ResultComparison.Match) -> String {
    guard let a = slowest(match.first), let b = slowest(match.second) else {
      return match.first.isEmpty ? "only in B" : "only in A"
    }
    var reasons: [String] = []
    switch match.change {
    case .merged: reasons.append("\(match.first.count) kernels became one")
    case .split: reasons.append("one kernel became \(match.second.count)")
    case .regrouped: reasons.append("\(match.first.count) kernels became \(match.second.count)")
    case .same, .onlyFirst, .onlySecond: break
    }
    if a.format != b.format { reasons.append("\(a.format) became \(b.format)") }
    if a.bound != b.bound {
      reasons.append("bound by \(a.bound.label), now by \(b.bound.label)")
    } else {
      reasons.append("still bound by \(b.bound.label)")
    }
    if a.choice != b.choice, !b.choice.isEmpty { reasons.append("now \(b.choice)") }
    if let level = mostChanged(match) { reasons.append(level) }
    return reasons.joined(separator: ", ")
  }

  private static func slowest(_ kernels: [KernelResult]) -> KernelResult? {
    kernels.max { $0.latencySeconds < $1.latencySeconds }
  }

  private static func mostChanged(_ match: ResultComparison.Match) -> String? {
    func sum(_ kernels: [KernelResult]) -> [String: Int] {
      kernels.reduce(into: [:]) { total, kernel in
        for (level, bytes) in kernel.bytes { total[level, default: 0] += bytes }
      }
    }
    let (a, b) = (sum(match.first), sum(match.second))
    let changes = Set(a.keys).union(b.keys).map { (level: $0, from: a[$0] ?? 0, to: b[$0] ?? 0) }
    let largest = changes.max { ((($0.to - $0.from).magnitude), $1.level) < ((($1.to - $1.from).magnitude), $0.level) }
    guard let largest, Double((largest.to - largest.from).magnitude) > 0.1 * Double(max(1, largest.from)) else {
      return nil
    }
    return "\(largest.level) \(Format.bytes(Double(largest.from))) → \(Format.bytes(Double(largest.to)))"
  }

  private static func ratio(_ a: Double, _ b: Double) -> String { a > 0 ? Format.fixed(b / a, 2) + "×" : "–" }
}
