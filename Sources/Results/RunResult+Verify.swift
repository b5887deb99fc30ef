package import Basic

extension RunResult {
  /// Checks what must hold of any result; an empty list means it does.
  ///
  /// Labels: `bounds` (floor ≤ estimate ≤ serial), `exclusive` (no overlap on exclusive resources), `dependency` (edges
  /// respected), `capacity` (occupancy within capacity), `conserved` (bytes per level sum to the totals), `reason`
  /// (every kernel says what binds it), `coverage` (every source node exactly once, in a kernel or among the folded).
  package func verify() -> [Diagnostic] {
    var found: [Diagnostic] = []
    func report(_ label: String, _ message: String) { found.append(.error("result: \(message) [\(label)]")) }
    let slack = 1e-9
    if totals.floorSeconds > totals.latencySeconds * (1 + slack) {
      report("bounds", "the floor \(totals.floorSeconds) s is above the estimate \(totals.latencySeconds) s")
    }
    if totals.latencySeconds > totals.serialSeconds * (1 + slack) {
      report("bounds", "the estimate \(totals.latencySeconds) s is above the serial sum \(totals.serialSeconds) s")
    }
    for kernel in kernels {
      if kernel.reason.isEmpty { report("reason", "kernel '\(kernel.name)' does not say what binds it") }
      if !(kernel.latencySeconds.isFinite && kernel.latencySeconds >= 0) {
        report("bounds", "kernel '\(kernel.name)' has the latency \(kernel.latencySeconds)")
      }
      if kernel.floorSeconds > kernel.latencySeconds * (1 + slack) { report("bounds", "kernel '\(kernel.name)' is faster than its floor") }
    }
    var moved: [String: Int] = [:]
    for kernel in kernels { for (level, bytes) in kernel.bytes { moved[level, default: 0] += bytes } }
    if moved != totals.bytesMoved { report("conserved", "kernels move \(moved.sorted { $0.key < $1.key }) but the total says otherwise") }
    for (level, steps) in timeline.occupancy {
      guard let capacity = timeline.capacity[level] else { continue }
      if let over = steps.first(where: { $0.count == 2 && $0[1] > capacity }) {
        report("capacity", "\(level) holds \(over[1]) of \(capacity) bytes at cycle \(over[0])")
      }
    }
    found += verifySpans() + verifyCoverage()
    return found
  }

  private func verifySpans() -> [Diagnostic] {
    var found: [Diagnostic] = []
    let exclusive = Set(timeline.resources.filter(\.isExclusive).map(\.name))
    var lastEnd: [String: Double] = [:]
    var extent: [Int: (start: Double, end: Double, spans: Int)] = [:]
    let slack = totals.latencySeconds * 1e-9
    for span in timeline.spans.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      if exclusive.contains(span.resource), let end = lastEnd[span.resource], span.start < end - slack {
        found.append(.error("result: two spans overlap on '\(span.resource)' at \(span.start) s [exclusive]"))
      }
      lastEnd[span.resource] = max(lastEnd[span.resource] ?? 0, span.end)
      let known = extent[span.kernel] ?? (span.start, span.end, 0)
      extent[span.kernel] = (min(known.start, span.start), max(known.end, span.end), known.spans + 1)
    }
    for pair in timeline.dependencies where pair.count == 2 {
      guard let first = extent[pair[0]], let second = extent[pair[1]] else { continue }
      if timeline.isStreaming {
        // Of a kernel with several stages the first may need none of these words; its last word needs the last of them.
        if second.spans == 1, second.start < first.start - slack {
          found.append(.error("result: kernel \(pair[1]) starts before kernel \(pair[0]) [dependency]"))
        }
        if second.end < first.end - slack {
          found.append(.error("result: kernel \(pair[1]) ends before kernel \(pair[0]) [dependency]"))
        }
      } else if second.start < first.end - slack {
        found.append(.error("result: kernel \(pair[1]) starts before kernel \(pair[0]) ends [dependency]"))
      }
    }
    return found
  }

  private func verifyCoverage() -> [Diagnostic] {
    var seen: [String: Int] = [:]
    for name in kernels.flatMap(\.origin) + folded.map(\.name) { seen[name, default: 0] += 1 }
    let twice = seen.filter { $0.value > 1 }.keys.sorted()
    var found: [Diagnostic] = []
    if !twice.isEmpty {
      found.append(.error("result: source nodes are covered more than once: \(twice.prefix(5).joined(separator: ", ")) [coverage]"))
    }
    if model.sourceNodes > 0, seen.count != model.sourceNodes {
      found.append(.error("result: \(seen.count) of \(model.sourceNodes) source nodes are covered [coverage]"))
    }
    return found
  }
}
