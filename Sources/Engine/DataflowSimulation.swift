/// What running frames through a pipeline showed.
package struct DataflowRun: Sendable, Equatable {
  /// Cycle in which each frame entered (its first source step).
  package var started: [Int]
  /// Cycle in which each frame was complete at every sink.
  package var finished: [Int]
  /// First and last busy cycle of every stage for the first frame.
  package var firstFrame: [Range<Int>]
  /// Words in each FIFO at its fullest.
  package var peakOccupancy: [Int]

  /// Cycles from entry to completion of the frame that found the pipeline empty.
  package var firstLatency: Int { latency(0) }
  /// The longest such time of any frame run.
  package var worstLatency: Int { finished.indices.map(latency).max() ?? 0 }
  /// Cycles between the last two completed frames: the interval in the steady state.
  package var interval: Int {
    guard finished.count > 1 else { return finished.last ?? 0 }
    return finished[finished.count - 1] - finished[finished.count - 2]
  }

  package func latency(_ frame: Int) -> Int {
    guard finished.indices.contains(frame), started.indices.contains(frame) else { return 0 }
    return finished[frame] - started[frame]
  }
}

/// What a stage that cannot go on waits for.
package enum StageBlock: Sendable, Hashable {
  case emptyInput(fifo: Int)
  case fullOutput(fifo: Int)
}

/// How a simulation ended.
package enum DataflowOutcome: Sendable, Equatable {
  case completed(DataflowRun)
  /// No stage can go on: what each unfinished stage waits for, by stage index.
  case deadlocked([Int: StageBlock])
}

/// Runs whole frames through bounded FIFOs, token by token.
///
/// Every stage is a deterministic process that only waits for tokens (input) or for space (output), so the time of every
/// read and write is the same whatever order the stages are advanced in (Kahn). A step that starts at `s` obeys
///
///     s >= previous start + interval,  (first of a frame:) s >= start of every producer's frame + 1,
///       s >= write(token read) + 1,  s + latency >= read(token written - depth) + 1
///
/// (max-plus recurrence); each stage is advanced as far as the known times allow until nothing moves.
package struct DataflowSimulation {
  private let network: DataflowNetwork
  private let frames: Int
  private let inputs: [[Int]]
  /// Start of each frame at each stage: a process is started by the one before it.
  private var begun: [[Int]]
  private let outputs: [[Int]]
  private let sinks: [Int]
  private let isSource: [Bool]
  private let base: [Int]
  private let depth: [Int]
  private var writeTime: [Int]
  private var readTime: [Int]
  private var written: [Int]
  private var read: [Int]
  private var cursor: [Cursor]
  private var entered: [Int] = []
  private var done: [[Int]]
  private var spans: [Range<Int>]

  private struct Cursor {
    var frame = 0
    var run = 0
    var index = 0
    var ready = 0
    var frameStart = 0
    var lastEvent = 0
    var block: StageBlock?
  }

  /// Largest number of stream words one run may move (memory guard).
  private static let tokenLimit = 200_000_000

  package init(_ network: DataflowNetwork, frames: Int) throws(DataflowNetworkError) {
    self.network = network
    self.frames = max(1, frames)
    inputs = network.stages.indices.map(network.inputs(of:))
    outputs = network.stages.indices.map(network.outputs(of:))
    sinks = network.sinks
    let sources = Set(network.sources)
    isSource = network.stages.indices.map(sources.contains)
    var offset = 0
    var base: [Int] = []
    for fifo in network.fifos {
      base.append(offset)
      let (tokens, overflow) = network.stages[fifo.producer].writesPerFrame
        .multipliedReportingOverflow(by: self.frames)
      guard !overflow, tokens < Self.tokenLimit, offset + tokens < Self.tokenLimit else {
        throw .tooLarge(tokens: overflow ? Int.max : offset + tokens)
      }
      offset += tokens
    }
    self.base = base
    depth = network.fifos.map(\.depth)
    writeTime = [Int](repeating: 0, count: offset)
    readTime = [Int](repeating: 0, count: offset)
    written = [Int](repeating: 0, count: network.fifos.count)
    read = written
    cursor = [Cursor](repeating: Cursor(), count: network.stages.count)
    done = [[Int]](repeating: [], count: network.stages.count)
    begun = done
    spans = [Range<Int>](repeating: 0..<0, count: network.stages.count)
  }

  /// Runs to completion or deadlock.
  package mutating func run() -> DataflowOutcome {
    var moved = true
    while moved {
      moved = false
      for stage in network.stages.indices where advance(stage) { moved = true }
    }
    var blocked: [Int: StageBlock] = [:]
    for stage in network.stages.indices where cursor[stage].frame < frames {
      if let block = cursor[stage].block { blocked[stage] = block }
    }
    guard blocked.isEmpty else { return .deadlocked(blocked) }
    let finished = (0..<frames).map { frame in sinks.map { done[$0][frame] }.max() ?? 0 }
    return .completed(
      DataflowRun(
        started: entered, finished: finished, firstFrame: spans,
        peakOccupancy: peakOccupancy(ofFirst: frames)))
  }

  /// Advances one stage until it must wait; true when at least one step was made.
  private mutating func advance(_ stage: Int) -> Bool {
    let program = network.stages[stage].frame
    let restart = network.stages[stage].restart
    let ins = inputs[stage]
    let outs = outputs[stage]
    var at = cursor[stage]
    var moved = false
    at.block = nil
    while at.frame < frames {
      let step = program[at.run].step
      var start = at.ready
      if at.run == 0, at.index == 0, isSource[stage], let earliest = entry(of: at.frame, stage: stage) {
        start = max(start, earliest)
      } else if at.run == 0, at.index == 0, isSource[stage] {
        break
      }
      if at.run == 0, at.index == 0, let block = waitForStart(stage, at.frame, &start) {
        at.block = block
        break
      }
      if let block = wait(ins, outs, step, &start) {
        at.block = block
        break
      }
      if at.run == 0, at.index == 0 {
        begun[stage].append(start)
        at.frameStart = start
        at.lastEvent = start
        if isSource[stage], entered.count == at.frame { entered.append(start) }
      }
      commit(ins, outs, step, start)
      at.ready = start + step.interval
      at.lastEvent = max(at.lastEvent, at.ready, start + step.latency)
      moved = true
      at.index += 1
      if at.index == program[at.run].count {
        at.index = 0
        at.run += 1
      }
      if at.run == program.count {
        at.run = 0
        if at.frame == 0 { spans[stage] = at.frameStart..<at.lastEvent }
        done[stage].append(at.lastEvent)
        at.frame += 1
        at.ready += restart
      }
    }
    cursor[stage] = at
    return moved
  }

  /// Earliest cycle at which a source may start `frame`; nil while an older frame has to leave first.
  private func entry(of frame: Int, stage: Int) -> Int? {
    guard let limit = network.framesInFlight, frame >= limit else { return 0 }
    var earliest = 0
    for sink in sinks {
      guard done[sink].count > frame - limit else { return nil }
      earliest = max(earliest, done[sink][frame - limit] + 2)
    }
    return earliest
  }

  /// A stage begins a frame one cycle after every stage that feeds it has begun it.
  private func waitForStart(_ stage: Int, _ frame: Int, _ start: inout Int) -> StageBlock? {
    for fifo in inputs[stage] {
      let producer = network.fifos[fifo].producer
      guard begun[producer].count > frame else { return .emptyInput(fifo: fifo) }
      start = max(start, begun[producer][frame] + 1)
    }
    return nil
  }

  /// Moves `start` to the first cycle at which tokens and space are there; the block if they are not known yet.
  private func wait(_ inputs: [Int], _ outputs: [Int], _ step: StageStep, _ start: inout Int) -> StageBlock? {
    if step.reads > 0 {
      for fifo in inputs {
        let token = read[fifo] + step.reads - 1
        guard token < written[fifo] else { return .emptyInput(fifo: fifo) }
        start = max(start, writeTime[base[fifo] + token] + 1)
      }
    }
    if step.writes > 0 {
      for fifo in outputs {
        let freed = written[fifo] + step.writes - 1 - depth[fifo]
        guard freed >= 0 else { continue }
        guard freed < read[fifo] else { return .fullOutput(fifo: fifo) }
        start = max(start, readTime[base[fifo] + freed] + 1 - step.latency)
      }
    }
    return nil
  }

  private mutating func commit(_ inputs: [Int], _ outputs: [Int], _ step: StageStep, _ start: Int) {
    if step.reads > 0 {
      for fifo in inputs {
        let first = base[fifo] + read[fifo]
        for token in first..<(first + step.reads) { readTime[token] = start }
        read[fifo] += step.reads
      }
    }
    if step.writes > 0 {
      for fifo in outputs {
        let first = base[fifo] + written[fifo]
        for token in first..<(first + step.writes) { writeTime[token] = start + step.latency }
        written[fifo] += step.writes
      }
    }
  }

  /// Words in each FIFO at its fullest while the first `count` frames are written.
  ///
  /// What later frames do does not change it: a word written later is behind all of these, and space is freed in order.
  package func peakOccupancy(ofFirst count: Int) -> [Int] {
    network.fifos.indices.map { fifo in
      peakOccupancy(fifo, tokens: min(written[fifo], count * network.stages[network.fifos[fifo].producer].writesPerFrame))
    }
  }

  /// Words that are written and whose space is not free again yet, at the worst write.
  private func peakOccupancy(_ fifo: Int, tokens: Int) -> Int {
    var freed = 0
    var peak = 0
    for token in 0..<tokens {
      let now = writeTime[base[fifo] + token]
      while freed < token, readTime[base[fifo] + freed] < now { freed += 1 }
      peak = max(peak, token + 1 - freed)
    }
    return peak
  }
}
