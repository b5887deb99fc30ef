internal import Basic
internal import Results

/// What a result read from a file must satisfy before a renderer may trust it: sizes, signs and references.
enum ResultLimits {
  static let kernels = 1 << 17
  /// Bytes or operations of one entry: sums over all kernels stay far from overflow.
  static let amount = 1 << 45
  static let spans = 1 << 22

  static func check(_ result: RunResult, file: String) -> [Diagnostic] {
    var found: [Diagnostic] = []
    func report(_ message: String) {
      if found.count < 20 { found.append(.error(message, at: SourceLocation(file: file))) }
    }
    guard result.kernels.count <= kernels, result.timeline.spans.count <= spans else {
      return [
        .error(
          "the result has \(result.kernels.count) kernels and \(result.timeline.spans.count) spans; the limits are \(kernels) and \(spans)",
          at: SourceLocation(file: file))
      ]
    }
    var ids = Set<Int>()
    for (index, kernel) in result.kernels.enumerated() {
      let place = "kernels[\(index)]"
      if !ids.insert(kernel.id).inserted { report("\(place): the id \(kernel.id) is used twice") }
      if !time(kernel.latencySeconds) || !time(kernel.startSeconds) || !time(kernel.floorSeconds) {
        report("\(place): a time is negative or too large")
      }
      let amounts = Array(kernel.bytes.values) + (kernel.reads + kernel.writes).map(\.bytes) + [kernel.id]
      if !amounts.allSatisfy({ (0...amount).contains($0) }) {
        report("\(place): a number of bytes or the id is negative or above \(amount)")
      }
      if ![kernel.cycles, kernel.macs, kernel.flops].allSatisfy({ $0 >= 0 }) {
        report("\(place): a counter is negative")
      }
    }
    let totals = result.totals
    if ![totals.latencySeconds, totals.floorSeconds, totals.serialSeconds].allSatisfy(time) {
      report("totals: a time is negative or too large")
    }
    if !(totals.throughputPerSecond.isFinite && totals.opaqueShare.isFinite) {
      report("totals: a number is not finite")
    }
    for (index, span) in result.timeline.spans.enumerated()
    where !(time(span.start) && time(span.end) && span.start <= span.end) {
      report("timeline.spans[\(index)]: the times \(span.start) … \(span.end) are not an interval")
    }
    for (index, pair) in result.timeline.dependencies.enumerated()
    where pair.count != 2 || !pair.allSatisfy(ids.contains) {
      report("timeline.dependencies[\(index)] is not a pair of kernel ids")
    }
    for (level, steps) in result.timeline.occupancy
    where !steps.allSatisfy({ $0.count == 2 && $0[0] >= 0 && $0[1] >= 0 }) {
      report("timeline.occupancy.\(level) is not a list of [cycle, bytes]")
    }
    let nodes = result.outline.nodes.indices
    for (index, edge) in result.outline.edges.enumerated() where edge.count != 2 || !edge.allSatisfy(nodes.contains) {
      report("outline.edges[\(index)] is not a pair of node indices")
    }
    return found
  }

  private static func time(_ value: Double) -> Bool { value.isFinite && value >= 0 && value < 1e12 }
}
