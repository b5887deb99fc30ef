package import Basic

extension RunResult {
  /// Checks what must hold of any result; an empty list means it does.
  ///
  /// Labels: `finite` (every figure is a number, none below zero), `bounds` (floor ≤ estimate ≤ serial), `cycles` (cycles and
  /// seconds are of one clock), `exclusive` (no overlap on exclusive resources), `dependency` (edges respected), `capacity`
  /// (occupancy within capacity), `conserved` (bytes per level sum to the totals), `reason` (every kernel says what binds it),
  /// `coverage` (every source node exactly once, in a kernel or among the folded).
  package func verify() -> [Diagnostic] {
    let unusable = verifyFigures()
    // Comparisons with what is no number would say anything.
    guard unusable.isEmpty else { return unusable }
    return verifyBounds() + verifyClock() + verifyBytes() + verifySpans() + verifyCoverage()
  }

  private func fault(_ label: String, _ message: String) -> Diagnostic { .error("result: \(message) [\(label)]") }

  private func verifyFigures() -> [Diagnostic] {
    var found = faults("the result", totals.figures)
    for kernel in kernels { found += faults("kernel '\(kernel.name)'", kernel.allFigures) }
    for span in timeline.spans where !(span.start.isFinite && span.end.isFinite && span.start <= span.end) {
      found.append(fault("finite", "a span of kernel \(span.kernel) on '\(span.resource)' lasts from \(span.start) s to \(span.end) s"))
    }
    return found
  }

  private func faults(_ owner: String, _ figures: [(name: String, value: Double)]) -> [Diagnostic] {
    figures.filter { !($0.value.isFinite && $0.value >= 0) }.map { fault("finite", "\(owner) has the \($0.name) \($0.value)") }
  }

  private func verifyBounds() -> [Diagnostic] {
    var found: [Diagnostic] = []
    let slack = 1 + 1e-9
    if totals.floorSeconds > totals.latencySeconds * slack {
      found.append(fault("bounds", "the floor \(totals.floorSeconds) s is above the estimate \(totals.latencySeconds) s"))
    }
    if totals.latencySeconds > totals.serialSeconds * slack {
      found.append(fault("bounds", "the estimate \(totals.latencySeconds) s is above the serial sum \(totals.serialSeconds) s"))
    }
    if totals.opaqueShare > slack { found.append(fault("bounds", "the opaque share \(totals.opaqueShare) is above one")) }
    for kernel in kernels {
      if kernel.reason.isEmpty { found.append(fault("reason", "kernel '\(kernel.name)' does not say what binds it")) }
      if kernel.floorSeconds > kernel.latencySeconds * slack {
        found.append(fault("bounds", "kernel '\(kernel.name)' is faster than its floor"))
      }
    }
    return found
  }

  /// The kernel with most cycles tells the clock; the others are counted by it, and so is the whole apart from what happens outside
  /// the machine, which takes seconds and no cycles.
  private func verifyClock() -> [Diagnostic] {
    guard let longest = kernels.max(by: { $0.cycles < $1.cycles }), longest.cycles > 0 else { return [] }
    guard longest.latencySeconds > 0 else {
      return [fault("cycles", "kernel '\(longest.name)' takes \(longest.cycles) cycles and no time")]
    }
    let clock = Double(longest.cycles) / longest.latencySeconds
    /// Whole cycles: one by rounding what is counted, and one in every `longest.cycles` by rounding those.
    func allowance(_ cycles: Double) -> Double { 1 + cycles / Double(longest.cycles) + cycles * 1e-9 }
    var found: [Diagnostic] = []
    for kernel in kernels {
      let cycles = kernel.latencySeconds * clock
      if abs(Double(kernel.cycles) - cycles) > allowance(cycles) {
        let others = "its time is \(Format.fixed(cycles, 0)) of the others'"
        found.append(fault("cycles", "kernel '\(kernel.name)' takes \(kernel.cycles) cycles, but \(others)"))
      }
    }
    let cycles = totals.latencySeconds * clock
    if Double(totals.cycles) > cycles + allowance(cycles) {
      let kernels = "its time is \(Format.fixed(cycles, 0)) of the kernels'"
      found.append(fault("cycles", "the result takes \(totals.cycles) cycles, but \(kernels)"))
    }
    return found
  }

  private func verifyBytes() -> [Diagnostic] {
    var found: [Diagnostic] = []
    var moved: [String: Int] = [:]
    for kernel in kernels { for (level, bytes) in kernel.bytes { moved[level, default: 0] += bytes } }
    for level in Set(moved.keys).union(totals.bytesMoved.keys).sorted() where moved[level] != totals.bytesMoved[level] {
      let total = totals.bytesMoved[level].map { "\($0)" } ?? "nothing"
      found.append(fault("conserved", "kernels move \(moved[level] ?? 0) bytes of '\(level)', but the total says \(total)"))
    }
    for (level, steps) in timeline.occupancy.sorted(by: { $0.key < $1.key }) {
      guard let capacity = timeline.capacity[level] else { continue }
      if let over = steps.first(where: { $0.count == 2 && $0[1] > capacity }) {
        found.append(fault("capacity", "\(level) holds \(over[1]) of \(capacity) bytes at cycle \(over[0])"))
      }
    }
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
        found.append(fault("exclusive", "two spans overlap on '\(span.resource)' at \(span.start) s"))
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
          found.append(fault("dependency", "kernel \(pair[1]) starts before kernel \(pair[0])"))
        }
        // What a stage reads after its last word, nobody waits for.
        if second.end < first.end - readingOn(pair[0]) - slack {
          found.append(fault("dependency", "kernel \(pair[1]) ends before kernel \(pair[0])"))
        }
      } else if second.start < first.end - slack {
        found.append(fault("dependency", "kernel \(pair[1]) starts before kernel \(pair[0]) ends"))
      }
    }
    return found
  }

  private func readingOn(_ id: Int) -> Double {
    guard let kernel = kernels.first(where: { $0.id == id }), kernel.cycles > 0, let cycles = kernel.figures[KernelResult.readsOn] else {
      return 0
    }
    return cycles * kernel.latencySeconds / Double(kernel.cycles)
  }

  private func verifyCoverage() -> [Diagnostic] {
    var seen: [String: Int] = [:]
    for name in kernels.flatMap(\.origin) + folded.map(\.name) { seen[name, default: 0] += 1 }
    let twice = seen.filter { $0.value > 1 }.keys.sorted()
    var found: [Diagnostic] = []
    if !twice.isEmpty {
      found.append(fault("coverage", "source nodes are covered more than once: \(twice.prefix(5).joined(separator: ", "))"))
    }
    if model.sourceNodes > 0, seen.count != model.sourceNodes {
      found.append(fault("coverage", "\(seen.count) of \(model.sourceNodes) source nodes are covered"))
    }
    return found
  }
}

extension Totals {
  fileprivate var figures: [(name: String, value: Double)] {
    [
      ("latency", latencySeconds), ("cycles", Double(cycles)), ("floor", floorSeconds), ("serial sum", serialSeconds),
      ("throughput", throughputPerSecond), ("opaque share", opaqueShare),
    ] + (energyJoules.map { [("energy", $0)] } ?? []) + named("energy", energyByPart ?? [:])
      + named("peak", peakMemoryBytes.mapValues(Double.init)) + named("bytes", bytesMoved.mapValues(Double.init))
  }
}

extension KernelResult {
  fileprivate var allFigures: [(name: String, value: Double)] {
    [
      ("start", startSeconds), ("latency", latencySeconds), ("floor", floorSeconds), ("cycles", Double(cycles)), ("macs", Double(macs)),
      ("flops", Double(flops)),
    ] + (energyJoules.map { [("energy", $0)] } ?? []) + named("bytes", bytes.mapValues(Double.init)) + named("figure", figures)
  }
}

/// In the order of their names, which a dictionary does not keep.
private func named(_ what: String, _ figures: [String: Double]) -> [(name: String, value: Double)] {
  figures.sorted { $0.key < $1.key }.map { ("\(what) '\($0.key)'", $0.value) }
}
