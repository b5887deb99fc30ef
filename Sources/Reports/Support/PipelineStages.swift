internal import Basic
internal import Results

/// The kernels of a dataflow pipeline, which work at the same time: what each means for the rate and what for the latency.
///
/// Times of stages overlap, so that they do not add up to anything. The rate is set by the stage with the longest interval. The latency is
/// what stages add one after another: the time from the end of what a stage reads to its own end.
struct PipelineStages {
  struct Stage {
    var kernel: KernelResult
    /// Cycles and seconds between two frames, as far as this stage is concerned.
    var interval: Int
    var intervalSeconds: Double
    /// Seconds from the last end of the stages that it reads from to its own end.
    var addedSeconds: Double
    /// No stage of the way to the end of the run could be left out.
    var isOnLongestWay: Bool
  }

  /// By number of the kernel.
  private(set) var stages: [Stage] = []

  /// Nil for machines that run one kernel after another.
  init?(_ result: RunResult) {
    guard result.kernels.contains(where: { $0.figures["bottleneck"] != nil }),
      let longest = result.kernels.max(by: { $0.cycles < $1.cycles }), longest.cycles > 0
    else { return nil }
    let tick = longest.latencySeconds / Double(longest.cycles)
    let byID = Dictionary(result.kernels.map { ($0.id, $0) }) { first, _ in first }
    var sources: [Int: [KernelResult]] = [:]
    for pair in result.timeline.dependencies where pair.count == 2 {
      if let source = byID[pair[0]] { sources[pair[1], default: []].append(source) }
    }
    func latest(_ kernels: [KernelResult]) -> KernelResult? { kernels.max { ($0.end, $1.id) < ($1.end, $0.id) } }
    var way: Set<Int> = []
    var at = latest(result.kernels)
    while let kernel = at, way.insert(kernel.id).inserted { at = latest(sources[kernel.id] ?? []) }
    stages = result.kernels.map { kernel in
      let interval = Int(kernel.figures["ii"] ?? 0)
      let before = latest(sources[kernel.id] ?? [])?.end ?? 0
      return Stage(
        kernel: kernel, interval: interval, intervalSeconds: Double(interval) * tick, addedSeconds: max(0, kernel.end - before),
        isOnLongestWay: way.contains(kernel.id))
    }
  }

  /// The longest interval first.
  var byInterval: [Stage] { stages.sorted { ($1.interval, $0.kernel.id) < ($0.interval, $1.kernel.id) } }
  /// Those that make the latency, the largest part first.
  var byAddedTime: [Stage] {
    stages.filter(\.isOnLongestWay).sorted { ($1.addedSeconds, $0.kernel.id) < ($0.addedSeconds, $1.kernel.id) }
  }
  var slowest: Stage? { byInterval.first }
}

extension KernelResult {
  fileprivate var end: Double { startSeconds + latencySeconds }
}

extension RunResult {
  /// What shares of time are of: all kernels one after another and what belongs to none of them, or, where they work at the same time, the latency.
  var accountedSeconds: Double {
    guard PipelineStages(self) == nil else { return totals.latencySeconds }
    return kernels.reduce(totals.overhead?.seconds ?? 0) { $0 + $1.latencySeconds }
  }
}
