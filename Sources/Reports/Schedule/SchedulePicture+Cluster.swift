internal import Basic
internal import Results

extension SchedulePicture.Cluster {
  /// Describes one group of kernels in words and numbers.
  init(_ group: KernelGroup, _ graph: KernelGraph, _ total: Double, _ overlay: Overlay?) {
    let members = group.members.map { graph.kernels[$0] }
    let seconds = graph.seconds(group)
    let slowest = members.max { $0.latencySeconds < $1.latencySeconds } ?? graph.kernels[0]
    let time = "\(Format.seconds(seconds)) · \(Format.percent(seconds / total))"
    let range = members.count == 1 ? "#\(slowest.id)" : "#\(members[0].id)–#\(members[members.count - 1].id)"
    share = seconds / total
    bound = Self.bound(of: members)
    kind = slowest.kind
    format = slowest.format
    isCritical = group.members.contains { graph.isCritical[$0] }
    isMerged = group.kind != .single
    id = members.count == 1 ? "k\(slowest.id)" : "g\(members[0].id)"
    var moved: [String: Int] = [:]
    for member in members { for (level, count) in member.bytes { moved[level, default: 0] += count } }
    bytes = moved.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (level: $0.key, bytes: $0.value) }
    switch group.kind {
    case .single:
      title = "#\(slowest.id) \(Markup.shortened(slowest.name, to: 40)) · \(time)"
      rows = Self.rows(slowest) + Self.measured(slowest, overlay)
      footer = Self.footer(slowest)
      let spare = graph.slack[group.members[0]]
      let slackText = isCritical ? "on the critical path" : "slack \(Format.seconds(spare))"
      tooltip =
        "\(slowest.name)\n\(slowest.bound.label): \(slowest.reason)\n\(slackText)\nfrom: \(slowest.origin.prefix(12).joined(separator: ", "))"
    case .repeated(let name, let count, let period):
      title = "\(name.isEmpty ? "block" : Markup.shortened(name, to: 40)) × \(count) · \(time)"
      rows = ["\(range), \(members.count) kernels", "same \(period) kernels as in the block above"]
      footer = "\(Format.seconds(seconds / Double(count))) each · mostly \(bound.label)"
      tooltip = "\(count) more blocks of \(period) kernels with the same operations and types"
    case .layer(let name):
      title = "\(Markup.shortened(name, to: 40)) · \(time)"
      rows = Self.slowest(members, 6)
      footer = "\(members.count) kernels · mostly \(bound.label)"
      tooltip = "\(name): kernels \(range)"
    case .merged:
      title = "\(members.count) kernels · \(time)"
      rows = [range] + Self.slowest(members, 2)
      footer = "mostly \(bound.label)"
      tooltip = "kernels \(range), merged because each is short"
    }
  }

  /// What most of the time of the kernels is bound by.
  private static func bound(of kernels: [KernelResult]) -> Bound {
    var seconds: [Bound: Double] = [:]
    for kernel in kernels { seconds[kernel.bound, default: 0] += kernel.latencySeconds }
    let order = Bound.allCases.filter { seconds[$0] != nil }
    return order.max { (seconds[$0] ?? 0) < (seconds[$1] ?? 0) } ?? .compute
  }

  private static func rows(_ kernel: KernelResult) -> [String] {
    let all = kernel.operations.isEmpty ? kernel.origin : kernel.operations
    let shown = all.prefix(all.count > 7 ? 6 : 7).map { Markup.shortened($0, to: 44) }
    let rest = all.count > shown.count ? ["… \(all.count - shown.count) more"] : []
    return shown + rest + (kernel.choice.isEmpty ? [] : ["⟨\(Markup.shortened(kernel.choice, to: 48))⟩"]) + pipeline(kernel)
  }

  /// Pipeline stages state their interval, and the slowest that it sets the pace.
  private static func pipeline(_ kernel: KernelResult) -> [String] {
    guard let interval = kernel.figures["ii"] else { return [] }
    return ["II \(Int(interval)) cycles" + (kernel.figures["bottleneck"] == nil ? "" : " ◀ bottleneck stage")]
  }

  /// `measured 45.0 µs, predicted +9.1 %`.
  private static func measured(_ kernel: KernelResult, _ overlay: Overlay?) -> [String] {
    guard let overlay, let match = overlay.match(ofKernel: kernel.id) else { return [] }
    let together = match.kernels.count > 1 ? " for \(match.kernels.count) kernels" : ""
    return [
      "measured \(OverlayReport.text(match.measured, overlay))\(together), predicted \(OverlayReport.percent(match.error))"
    ]
  }

  private static func slowest(_ kernels: [KernelResult], _ count: Int) -> [String] {
    kernels.sorted { ($1.latencySeconds, $0.id) < ($0.latencySeconds, $1.id) }.prefix(count)
      .map { "#\($0.id) \(Markup.shortened($0.name, to: 30)) · \(Format.seconds($0.latencySeconds))" }
  }

  private static func footer(_ kernel: KernelResult) -> String {
    let weights = kernel.reads.filter(\.isConstant).reduce(0) { $0 + $1.bytes }
    var parts = [kernel.bound.label, kernel.format]
    if weights > 0 { parts.append("weights \(Format.bytes(Double(weights)))") }
    return parts.joined(separator: " · ")
  }
}
