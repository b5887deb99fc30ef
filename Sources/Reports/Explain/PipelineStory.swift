internal import Basic
internal import Results

/// What limits a dataflow pipeline, in plain sentences: its rate and its latency have different causes.
struct PipelineStory {
  let result: RunResult
  let stages: PipelineStages
  let style: TextStyle

  var text: String {
    let totals = result.totals
    let saved = max(0, 1 - totals.floorSeconds / max(totals.latencySeconds, .leastNormalMagnitude))
    var lines = [
      "The run takes \(Format.seconds(totals.latencySeconds)); the floor is \(Format.seconds(totals.floorSeconds)), so at most \(Format.percent(saved)) could be saved \(totals.floorScope ?? "on this machine"). All stages work at the same time: their times do not add up.",
      "",
    ]
    guard let slowest = stages.slowest, slowest.interval > 0 else { return lines.joined(separator: "\n") }
    lines.append(
      "Throughput (\(Format.count(totals.throughputPerSecond))/s) is set by the longest interval, \(TextReport.grouped(slowest.interval)) cycles (\(Format.seconds(slowest.intervalSeconds))) per frame:"
    )
    for stage in stages.byInterval.prefix(style.topKernels) where stage.interval > 0 {
      let share = Format.percent(Double(stage.interval) / Double(slowest.interval))
      lines.append(
        "  #\(stage.kernel.id) \(stage.kernel.name.visible): \(TextReport.grouped(stage.interval)) cycles, \(share) of the longest. \(folding(stage))\(stage.kernel.reason.sentence)"
      )
    }
    lines.append(advice(slowest))
    lines += ["", "Latency is what stages add between the end of what they read and their own end:"]
    for stage in stages.byAddedTime.prefix(style.topKernels) where stage.addedSeconds > 0 {
      let share = Format.percent(stage.addedSeconds / max(totals.latencySeconds, .leastNormalMagnitude))
      lines.append("  #\(stage.kernel.id) \(stage.kernel.name.visible): \(Format.seconds(stage.addedSeconds)), \(share) of the latency.")
    }
    if let overhead = totals.overhead {
      let share = Format.percent(overhead.seconds / max(totals.latencySeconds, .leastNormalMagnitude))
      lines.append("  \(overhead.name.visible): \(Format.seconds(overhead.seconds)), \(share) of the latency.")
    }
    lines.append(
      "A stage adds its whole time when it needs a whole frame before it gives a word (sums over all positions, dense layers), and little when it keeps pace with its words."
    )
    if totals.opaqueShare > 0 { lines.append("\(Format.percent(totals.opaqueShare)) \(OpaqueShare.note(totals)).") }
    return lines.joined(separator: "\n")
  }

  private func folding(_ stage: PipelineStages.Stage) -> String { stage.kernel.choice.isEmpty ? "" : stage.kernel.choice.sentence + " " }

  /// What shortens the interval: more arithmetic for the slowest stages alone, as far as the next slowest.
  private func advice(_ slowest: PipelineStages.Stage) -> String {
    let tied = stages.byInterval.filter { $0.interval == slowest.interval }.map { "#\($0.kernel.id)" }
    let which = tied.count > 1 ? "in all of \(tied.joined(separator: ", "))" : "in \(tied[0])"
    let next = stages.byInterval.first { $0.interval < slowest.interval }
    let limit = next.map { "; down to \(TextReport.grouped($0.interval)) cycles, where #\($0.kernel.id) takes over" } ?? ""
    return "Fewer operations or bits \(which), or less folding there where the part has room, shorten the interval\(limit)."
  }
}
