import Engine

/// Random series-parallel pipelines: what networks with branches look like to the dataflow engine.
struct SeriesParallel {
  private(set) var stages: [DataflowStage] = []
  private(set) var fifos: [DataflowFIFO] = []
  private var generator: SeededGenerator
  private let words: Int

  init(seed: UInt64, depth: Int) {
    generator = SeededGenerator(seed: seed)
    words = Int.random(in: 4...24, using: &generator)
    let entry = add(reads: false)
    let last = grow(from: entry, levels: depth)
    let exit = add(writes: false)
    join(last, exit)
  }

  func network(depth: Int) throws(DataflowNetworkError) -> DataflowNetwork {
    var fifos = fifos
    for index in fifos.indices { fifos[index].depth = depth }
    return try DataflowNetwork(stages: stages, fifos: fifos)
  }

  private mutating func grow(from stage: Int, levels: Int) -> Int {
    var last = stage
    for _ in 0..<Int.random(in: 1...2, using: &generator) {
      if levels > 0, Bool.random(using: &generator) {
        let fork = add()
        join(last, fork)
        let left = grow(from: fork, levels: levels - 1)
        let right = Bool.random(using: &generator) ? fork : grow(from: fork, levels: levels - 1)
        let merge = add()
        join(left, merge)
        if right != left { join(right, merge) }
        last = merge
      } else {
        let next = add()
        join(last, next)
        last = next
      }
    }
    return last
  }

  private mutating func join(_ from: Int, _ to: Int) {
    fifos.append(DataflowFIFO(name: "f\(fifos.count)", producer: from, consumer: to, depth: 1))
  }

  /// Element-wise, whole-frame or bursty, with random intervals and depths.
  private mutating func add(reads: Bool = true, writes: Bool = true) -> Int {
    let (r, w) = (reads ? 1 : 0, writes ? 1 : 0)
    let interval = Int.random(in: 1...6, using: &generator)
    let latency = Int.random(in: 1...9, using: &generator)
    var frame: [StageRun]
    switch Int.random(in: 0..<3, using: &generator) {
    case 0 where reads && writes:
      frame = [
        StageRun(StageStep(reads: 1, writes: 0, interval: interval, latency: 1), count: words),
        StageRun(StageStep(reads: 0, writes: 1, interval: 1, latency: latency), count: words),
      ]
    case 1:
      frame = [
        StageRun(StageStep(reads: r, writes: w, interval: 1, latency: latency), count: words / 2),
        StageRun(StageStep(reads: r, writes: w, interval: interval, latency: latency), count: words - words / 2),
      ]
    default: frame = [StageRun(StageStep(reads: r, writes: w, interval: interval, latency: latency), count: words)]
    }
    stages.append(DataflowStage(name: "s\(stages.count)", frame: frame))
    return stages.count - 1
  }
}
