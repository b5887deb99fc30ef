package import Basic
package import Results

/// Answers to questions about one result, in plain sentences.
package enum ExplainReport {
  package enum Question: Sendable, Hashable {
    /// Kernels and source nodes whose name contains the text, or `#12`.
    case kernel(String)
    case bottlenecks
    case missedFusions
    case sparsity
  }

  package static func render(_ result: RunResult, _ question: Question, _ style: TextStyle = TextStyle())
    throws(Failure) -> String
  {
    let text: String
    switch question {
    case .kernel(let name): text = try explain(kernel: name, result)
    case .bottlenecks: text = bottlenecks(result, style)
    case .missedFusions: text = missedFusions(result)
    case .sparsity: text = sparsity(result, style)
    }
    return TextReport.heading(result).visible + "\n\n" + text + "\n"
  }

  private static func explain(kernel name: String, _ result: RunResult) throws(Failure) -> String {
    let exact = name.hasPrefix("#") ? Int(name.dropFirst()) : nil
    let found = result.kernels.filter { kernel in
      if let exact { return kernel.id == exact }
      return kernel.name.contains(name) || kernel.origin.contains { $0.contains(name) }
    }
    if found.isEmpty, let folded = result.folded.first(where: { $0.name.contains(name) }) {
      return "\(folded.name.visible) has no kernel: \(folded.reason.visible)."
    }
    guard !found.isEmpty else {
      let names = result.kernels.flatMap { [$0.name] + $0.origin }
      throw Failure(
        "no kernel and no source node is called '\(name)'",
        fix: nearestSpelling(to: name, in: names).map { "did you mean '\($0)'?" })
    }
    let shown = found.prefix(10).map { KernelStory($0, result).text }
    let rest = found.count > 10 ? ["… and \(found.count - 10) more match '\(name.visible)'"] : []
    return (shown + rest).joined(separator: "\n\n")
  }

  private static func bottlenecks(_ result: RunResult, _ style: TextStyle) -> String {
    if let stages = PipelineStages(result) { return PipelineStory(result: result, stages: stages, style: style).text }
    let total = result.accountedSeconds
    guard total > 0 else { return "No kernel takes any time." }
    var lines: [String] = []
    var seconds: [Bound: Double] = [:]
    var counts: [Bound: Int] = [:]
    for kernel in result.kernels {
      seconds[kernel.bound, default: 0] += kernel.latencySeconds
      counts[kernel.bound, default: 0] += 1
    }
    let floor = result.totals.floorSeconds
    lines.append(
      "The run takes \(Format.seconds(result.totals.latencySeconds)); the floor is \(Format.seconds(floor)), so at most \(Format.percent(max(0, 1 - floor / max(result.totals.latencySeconds, .leastNormalMagnitude)))) could ever be saved on this machine."
    )
    for bound in Bound.allCases.sorted(by: { (seconds[$0] ?? 0, $1.rawValue) > (seconds[$1] ?? 0, $0.rawValue) }) {
      guard let time = seconds[bound], let count = counts[bound], time > 0 else { continue }
      lines.append(
        "\(Format.percent(time / total)) of the time is bound by \(bound.label) (\(count) kernels, \(Format.seconds(time))). \(bound.advice)"
      )
    }
    if let overhead = result.totals.overhead {
      lines.append(
        "\(Format.percent(overhead.seconds / total)) of the time is \(overhead.name.visible) (\(Format.seconds(overhead.seconds))), which belongs to no kernel."
      )
    }
    lines.append("")
    lines.append("What would help most, by time above its own floor:")
    for alike in AlikeKernels.groups(result.kernels, by: \.excess).prefix(style.topKernels) {
      guard let first = alike.first, first.excess > 0 else { continue }
      let excess = alike.reduce(0) { $0 + $1.excess }
      let others =
        alike.count > 1
        ? " and \(alike.count - 1) alike (\(alike.dropFirst().prefix(5).map { "#\($0.id)" }.joined(separator: ", "))\(alike.count > 6 ? " …" : ""))"
        : ""
      lines.append(
        "  #\(first.id) \(first.name.visible)\(others): \(Format.seconds(excess)) above the floor of \(Format.seconds(alike.reduce(0) { $0 + $1.floorSeconds })), \(Format.percent(excess / total)) of the run. \(first.reason.sentence)"
      )
    }
    let launches = result.kernels.filter { $0.bound == .launch }
    if launches.count > 2 {
      lines.append(
        "\(launches.count) kernels are too small to fill the machine; fusing them with their neighbours or a larger batch would save part of \(Format.seconds(launches.reduce(0) { $0 + $1.latencySeconds }))."
      )
    }
    if result.totals.opaqueShare > 0 {
      lines.append(
        "\(Format.percent(result.totals.opaqueShare)) \(OpaqueShare.note(result.totals))."
      )
    }
    return lines.joined(separator: "\n")
  }

  private static func missedFusions(_ result: RunResult) -> String {
    guard !result.fusion.missed.isEmpty else {
      return "No fusion was missed: \(result.fusion.applied.count) were applied."
    }
    var byRule: [String: [FusionLedger.Missed]] = [:]
    for missed in result.fusion.missed { byRule[missed.rule, default: []].append(missed) }
    var lines = [
      "\(result.fusion.missed.count) fusions were tried and not applied; each names the first condition that failed."
    ]
    for rule in byRule.keys.sorted() {
      guard let entries = byRule[rule] else { continue }
      lines.append("")
      lines.append("\(rule.visible) (\(entries.count)):")
      // The layers of a repeated block miss the same; they are told once.
      var order: [String] = []
      var told: [String: [FusionLedger.Missed]] = [:]
      for entry in entries {
        let text = "\(entry.nodes.count)|\(entry.reason.sentence)\(cost(entry.nodes, result))"
        if told[text] == nil { order.append(text) }
        told[text, default: []].append(entry)
      }
      for text in order.prefix(20) {
        guard let alike = told[text], let entry = alike.first else { continue }
        let nodes =
          entry.nodes.prefix(4).map(\.visible).joined(separator: " + ")
          + (entry.nodes.count > 4 ? " + \(entry.nodes.count - 4) more" : "")
        lines.append(
          "  \(nodes)\(alike.count > 1 ? ", and \(alike.count - 1) times alike" : ""): \(entry.reason.sentence)\(cost(entry.nodes, result))"
        )
      }
      let rest = order.dropFirst(20).reduce(0) { $0 + (told[$1]?.count ?? 0) }
      if rest > 0 { lines.append("  … and \(rest) more") }
    }
    return lines.joined(separator: "\n")
  }

  /// What the kernels of these source nodes take now: the most that the fusion could have saved.
  private static func cost(_ nodes: [String], _ result: RunResult) -> String {
    let wanted = Set(nodes)
    let kernels = result.kernels.filter { $0.origin.contains(where: wanted.contains) }
    guard kernels.count > 1 else { return "" }
    return " They take \(Format.seconds(kernels.reduce(0) { $0 + $1.latencySeconds })) in \(kernels.count) kernels now."
  }

  private static func sparsity(_ result: RunResult, _ style: TextStyle) -> String {
    guard let verdicts = result.sparsity, !verdicts.isEmpty else {
      return
        "This result says nothing about structured sparsity; predict with --sparsity 2:4 to learn what it would do."
    }
    let eligible = verdicts.filter(\.eligible)
    let chosen = verdicts.filter(\.chosen)
    var lines = ["Of \(verdicts.count) layers \(eligible.count) are eligible and \(chosen.count) use it."]
    lines.append(wholeModel(result, chosen))
    var byBound: [Bound: Int] = [:]
    for verdict in eligible where verdict.gain < 1.05 { byBound[verdict.bound, default: 0] += 1 }
    for bound in Bound.allCases {
      if let count = byBound[bound] {
        lines.append("\(count) eligible layers gain less than 5 % because they are bound by \(bound.label).")
      }
    }
    lines.append("")
    for verdict in verdicts.sorted(by: { ($1.gain, $0.layer) < ($0.gain, $1.layer) }) {
      let state = verdict.chosen ? "used" : verdict.eligible ? "eligible, not used" : "not eligible"
      lines.append(
        "  \(verdict.layer.visible): \(state), \(Format.fixed(verdict.gain, 2))×, bound by \(verdict.bound.label), \(Format.bytes(Double(verdict.metadataBytes))) of positions. \(verdict.reason.sentence)"
      )
    }
    return lines.joined(separator: "\n")
  }
}

extension ExplainReport {
  /// Amdahl's law for the layers that use sparsity: what they were of the dense time, what the model gains, and what it would
  /// gain if every one of them ran twice as fast.
  fileprivate static func wholeModel(_ result: RunResult, _ chosen: [SparsityVerdict]) -> String {
    let gains = Dictionary(chosen.map { ($0.layer, $0.gain) }, uniquingKeysWith: { first, _ in first })
    var covered = 0.0
    var saved = 0.0
    for kernel in result.kernels {
      guard let gain = gains[kernel.name] else { continue }
      covered += kernel.latencySeconds * gain
      saved += kernel.latencySeconds * (gain - 1)
    }
    let sparse = result.totals.latencySeconds
    let dense = sparse + saved
    guard dense > 0, sparse > 0 else { return "The whole model gains nothing." }
    let share = covered / dense
    return
      "The whole model: \(Format.seconds(dense)) dense, \(Format.seconds(sparse)) now, \(Format.fixed(dense / sparse, 2))×. These layers were \(Format.percent(share)) of the dense time; all of them twice as fast would make \(Format.fixed(1 / (1 - share / 2), 2))×."
  }
}

extension KernelResult {
  /// Seconds that this kernel takes beyond its floor.
  var excess: Double { max(0, latencySeconds - floorSeconds) }
}

extension String {
  /// Names come from files: nothing in them may steer the terminal.
  var visible: String { TextReport.plain(self) }

  /// With a capital first letter and a full stop.
  var sentence: String {
    let text = visible
    guard let first = text.first, let last = text.last else { return "" }
    return first.uppercased() + text.dropFirst() + (".!?".contains(last) ? "" : ".")
  }
}

extension Bound {
  /// What usually helps.
  fileprivate var advice: String {
    switch self {
    case .compute: "Lower precision, structured sparsity or fewer operations would shorten these."
    case .feed: "Operands do not reach the arithmetic units fast enough; larger tiles or narrower types would help."
    case .cache: "Traffic inside the chip limits these; fusing neighbours or better locality would help."
    case .memory:
      "Bytes from off-chip memory limit these; narrower types, fusion or a larger batch would help, more arithmetic speed would not."
    case .link: "The link between devices limits these."
    case .launch: "Starting them costs more than running them; fusion or a larger batch would help."
    case .dependency: "They wait for others; only a shorter chain would help."
    case .host: "The host limits these."
    case .quantization:
      "Scales of activations are found while the model runs; scales known before (fp8-static or int8 instead of fp8 or int8-dynamic, by calibration) take that time away."
    case .reduction: "Partial sums of a split reduction axis are added up; a larger batch would fill the machine without splitting."
    }
  }
}
