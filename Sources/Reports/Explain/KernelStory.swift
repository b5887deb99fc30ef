internal import Basic
internal import Results

/// One kernel in sentences: what it is, how long it takes and why, where its bytes go, who it waits for.
struct KernelStory {
  private let kernel: KernelResult
  private let result: RunResult

  init(_ kernel: KernelResult, _ result: RunResult) {
    self.kernel = kernel
    self.result = result
  }

  var text: String {
    var lines = ["#\(kernel.id) \(kernel.name)".visible]
    let total = max(result.accountedSeconds, .leastNormalMagnitude)
    lines.append(
      "  takes \(Format.seconds(kernel.latencySeconds)), \(Format.percent(kernel.latencySeconds / total)) of the time, \(TextReport.grouped(kernel.cycles)) cycles, from \(Format.seconds(kernel.startSeconds)) on"
    )
    if kernel.latencySeconds > 0 {
      lines.append(
        "  floor \(Format.seconds(kernel.floorSeconds)), \(Format.percent(kernel.floorSeconds / kernel.latencySeconds)) of it"
      )
    }
    lines.append("  bound by \(kernel.bound.label): \(kernel.reason.sentence)")
    if kernel.isOpaque { lines.append("  its operator is not modelled: the time is \(OpaqueShare.bound)") }
    lines.append("  runs in \(kernel.format)\(kernel.choice.isEmpty ? "" : ", " + kernel.choice)".visible)
    if kernel.flops > 0, kernel.latencySeconds > 0 {
      lines.append(
        "  \(Format.count(Double(kernel.macs)).trailed)MAC, \(Format.count(Double(kernel.flops) / kernel.latencySeconds).trailed)FLOP/s"
      )
    }
    for (level, bytes) in kernel.bytes.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      let rate =
        kernel.latencySeconds > 0 ? " at \(Format.count(Double(bytes) / kernel.latencySeconds).trailed)B/s" : ""
      lines.append("  moves \(Format.bytes(Double(bytes))) through \(level)\(rate)".visible)
    }
    for (name, value) in kernel.figures.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(name): \(figure(name, value))".visible)
    }
    if !kernel.operations.isEmpty { lines.append("  operations: \(kernel.operations.joined(separator: ", "))".visible) }
    lines.append(
      "  from the source nodes: \(kernel.origin.prefix(20).joined(separator: ", "))\(kernel.origin.count > 20 ? " and \(kernel.origin.count - 20) more" : "")"
        .visible)
    lines += neighbours
    for missed in result.fusion.missed where missed.nodes.contains(where: kernel.origin.contains) {
      lines.append("  not fused by \(missed.rule): \(missed.reason.sentence)".visible)
    }
    return lines.joined(separator: "\n")
  }

  /// With its unit: times of a GPU are seconds, what stalls an NPU counts cycles, shares and utilisations are percentages.
  private func figure(_ name: String, _ value: Double) -> String {
    if name.hasSuffix("share") || name.hasPrefix("array ") { return Format.percent(value) }
    switch result.target.family {
    case "gpu": return Self.counts.contains(name) ? Self.figure(value) : Format.seconds(value)
    case "npu": return "\(Self.figure(value)) cycles"
    default: return name == "ii" ? "\(Self.figure(value)) cycles" : Self.figure(value)
    }
  }

  /// Figures of a GPU that are no times.
  private static let counts: Set<String> = ["waves", "blocks"]

  /// Small figures would vanish at two digits after the point.
  private static func figure(_ value: Double) -> String {
    guard value != 0, value.magnitude < 0.01 else { return SVGWriter.number(value) }
    let exponent = Int(Axis.log10(value.magnitude).rounded(.down))
    var scale = 1.0
    for _ in 0..<min(300, -exponent) { scale *= 10 }
    return "\(SVGWriter.number(value * scale))e\(exponent)"
  }

  private var neighbours: [String] {
    let names = Dictionary(result.kernels.map { ($0.id, $0.name) }) { first, _ in first }
    let before = result.timeline.dependencies.filter { $0.count == 2 && $0[1] == kernel.id }.map { $0[0] }
    let after = result.timeline.dependencies.filter { $0.count == 2 && $0[0] == kernel.id }.map { $0[1] }
    func line(_ word: String, _ ids: [Int]) -> [String] {
      ids.isEmpty
        ? [] : ["  \(word) \(ids.prefix(8).map { "#\($0) \(names[$0] ?? "")" }.joined(separator: ", "))".visible]
    }
    return line("waits for", before) + line("waited for by", after)
  }
}

extension String {
  /// `Format.count` leaves no space after a plain number.
  var trailed: String { last?.isLetter == true ? self : self + " " }
}
