/// What running frames through a pipeline showed.
package struct DataflowRun: Sendable, Equatable {
  /// Cycle in which each frame entered (its first source step).
  package var started: [Int]
  /// Cycle in which each frame was complete at every sink.
  package var finished: [Int]
  /// First and last busy cycle of every stage, frame by frame.
  package var spans: [[Range<Int>]]
  /// When every stage is through with the step that gives the last word of the first frame: it may still read what nobody needs after
  /// that, such as rows below the last window.
  package var given: [Int]
  /// Words in each FIFO at its fullest.
  package var peakOccupancy: [Int]

  /// First and last busy cycle of every stage for the first frame.
  package var firstFrame: [Range<Int>] { spans.first ?? [] }
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
  private let outputs: [[Int]]
  /// Start of each frame at each stage: a process is started by the one before it.
  private var begun: [[Int]]
  /// Stages that may go on when a stage has moved: what it feeds, what feeds it, and behind a last stage where frames enter.
  private let neighbours: [[Int]]
  private let sinks: [Int]
  private let isSource: [Bool]
  private var streams: [Stream]
  private var times: Times
  private var cursor: [Cursor]
  private var entered: [Int] = []
  private var done: [[Int]]
  /// By stage and frame.
  private var spans: [[Range<Int>]]
  private var given: [Int]

  /// How far a FIFO's words have come; its times stand from `base` on.
  private struct Stream {
    var base: Int
    var depth: Int
    var written = 0
    var read = 0
  }

  /// When each word of each FIFO was written and read.
  private struct Times {
    var write: [Int] = []
    var read: [Int] = []
  }

  /// The same while a simulation runs, in place.
  private struct Memory {
    var write: UnsafeMutableBufferPointer<Int>
    var read: UnsafeMutableBufferPointer<Int>
    var streams: UnsafeMutableBufferPointer<Stream>

    /// Moves `start` to the first cycle at which tokens and space are there; the block if they are not known yet.
    func wait(_ inputs: [Int], _ outputs: [Int], _ step: StageStep, _ start: inout Int) -> StageBlock? {
      if step.reads > 0 {
        for fifo in inputs {
          let token = streams[fifo].read + step.reads - 1
          guard token < streams[fifo].written else { return .emptyInput(fifo: fifo) }
          start = max(start, write[streams[fifo].base + token] + 1)
        }
      }
      if step.writes > 0 {
        for fifo in outputs {
          let freed = streams[fifo].written + step.writes - 1 - streams[fifo].depth
          guard freed >= 0 else { continue }
          guard freed < streams[fifo].read else { return .fullOutput(fifo: fifo) }
          start = max(start, read[streams[fifo].base + freed] + 1 - step.latency)
        }
      }
      return nil
    }

    /// Up to `limit` equal steps of a stage with at most one input and one output, each as soon as it may start; how many there
    /// were, and what the next one waits for. `ready` is where the next one may start as far as the stage is concerned.
    func repeated(
      _ step: StageStep, upTo limit: Int, _ input: Int?, _ output: Int?, _ ready: inout Int
    ) -> (count: Int, block: StageBlock?) {
      var from = input.map { streams[$0] } ?? Stream(base: 0, depth: 0)
      var to = output.map { streams[$0] } ?? Stream(base: 0, depth: 0)
      let (reads, writes) = (input == nil ? 0 : step.reads, output == nil ? 0 : step.writes)
      var block: StageBlock?
      var count = 0
      while count < limit {
        var start = ready
        if reads > 0 {
          let token = from.read + reads - 1
          guard token < from.written else {
            block = input.map { .emptyInput(fifo: $0) }
            break
          }
          start = max(start, write[from.base + token] + 1)
        }
        let freed = to.written + writes - 1 - to.depth
        if writes > 0, freed >= 0 {
          guard freed < to.read else {
            block = output.map { .fullOutput(fifo: $0) }
            break
          }
          start = max(start, read[to.base + freed] + 1 - step.latency)
        }
        for token in 0..<reads { read[from.base + from.read + token] = start }
        from.read += reads
        for token in 0..<writes { write[to.base + to.written + token] = start + step.latency }
        to.written += writes
        ready = start + step.interval
        count += 1
      }
      if let input { streams[input].read = from.read }
      if let output { streams[output].written = to.written }
      return (count, block)
    }

    func commit(_ inputs: [Int], _ outputs: [Int], _ step: StageStep, _ start: Int) {
      if step.reads > 0 {
        for fifo in inputs {
          let first = streams[fifo].base + streams[fifo].read
          for token in first..<(first + step.reads) { read[token] = start }
          streams[fifo].read += step.reads
        }
      }
      if step.writes > 0 {
        for fifo in outputs {
          let first = streams[fifo].base + streams[fifo].written
          for token in first..<(first + step.writes) { write[token] = start + step.latency }
          streams[fifo].written += step.writes
        }
      }
    }
  }

  private struct Cursor {
    var frame = 0
    var run = 0
    var index = 0
    var ready = 0
    var frameStart = 0
    var lastEvent = 0
    var lastGift = 0
    var block: StageBlock?
  }

  package init(_ network: DataflowNetwork, frames: Int) throws(DataflowNetworkError) {
    self.network = network
    self.frames = max(1, frames)
    inputs = network.stages.indices.map(network.inputs(of:))
    outputs = network.stages.indices.map(network.outputs(of:))
    sinks = network.sinks
    let sources = Set(network.sources)
    isSource = network.stages.indices.map(sources.contains)
    let (ins, outs, last) = (inputs, outputs, Set(sinks))
    neighbours = network.stages.indices.map { stage in
      let feeding = ins[stage].map { network.fifos[$0].producer }
      let fed = outs[stage].map { network.fifos[$0].consumer }
      return (Set(feeding + fed).union(last.contains(stage) ? sources : []).subtracting([stage])).sorted()
    }
    var offset = 0
    streams = []
    for fifo in network.fifos {
      streams.append(Stream(base: offset, depth: fifo.depth))
      let (tokens, overflow) = network.stages[fifo.producer].writesPerFrame
        .multipliedReportingOverflow(by: self.frames)
      guard !overflow, tokens < DataflowNetwork.largestRun, offset + tokens < DataflowNetwork.largestRun else {
        throw .tooLarge(tokens: overflow ? Int.max : offset + tokens)
      }
      offset += tokens
    }
    times = Times(write: [Int](repeating: 0, count: offset), read: [Int](repeating: 0, count: offset))
    cursor = [Cursor](repeating: Cursor(), count: network.stages.count)
    done = [[Int]](repeating: [], count: network.stages.count)
    begun = done
    spans = [[Range<Int>]](repeating: [], count: network.stages.count)
    given = [Int](repeating: 0, count: network.stages.count)
  }

  /// Runs to completion or deadlock.
  package mutating func run() -> DataflowOutcome {
    // A step is a handful of additions: it works on plain memory, without a check of ownership for every word.
    var (write, read, streams) = (times.write, times.read, self.streams)
    (times, self.streams) = (Times(), [])
    write.withUnsafeMutableBufferPointer { write in
      read.withUnsafeMutableBufferPointer { read in
        streams.withUnsafeMutableBufferPointer { streams in
          let memory = Memory(write: write, read: read, streams: streams)
          advanceAll(memory)
        }
      }
    }
    (times, self.streams) = (Times(write: write, read: read), streams)
    return outcome
  }

  /// Advances every stage as far as it goes.
  private mutating func advanceAll(_ memory: Memory) {
    // A stage is looked at again only when one that it waits for has moved.
    var waiting = Array(network.stages.indices)
    var isListed = [Bool](repeating: true, count: waiting.count)
    var next = 0
    while next < waiting.count {
      let stage = waiting[next]
      next += 1
      isListed[stage] = false
      guard advance(stage, memory) else { continue }
      if next > 4 * network.stages.count {
        waiting.removeFirst(next)
        next = 0
      }
      for other in neighbours[stage] where !isListed[other] && cursor[other].frame < frames {
        isListed[other] = true
        waiting.append(other)
      }
    }
  }

  private var outcome: DataflowOutcome {
    var blocked: [Int: StageBlock] = [:]
    for stage in network.stages.indices where cursor[stage].frame < frames {
      if let block = cursor[stage].block { blocked[stage] = block }
    }
    guard blocked.isEmpty else { return .deadlocked(blocked) }
    let finished = (0..<frames).map { frame in sinks.map { done[$0][frame] }.max() ?? 0 }
    return .completed(
      DataflowRun(
        started: entered, finished: finished, spans: (0..<frames).map { frame in spans.map { $0[frame] } }, given: given,
        peakOccupancy: peakOccupancy(ofFirst: frames)))
  }

  /// Advances one stage until it must wait; true when at least one step was made.
  private mutating func advance(_ stage: Int, _ memory: Memory) -> Bool {
    let program = network.stages[stage].frame
    let (ins, outs) = (inputs[stage], outputs[stage])
    var at = cursor[stage]
    var moved = false
    at.block = nil
    while at.frame < frames {
      let step = program[at.run].step
      if at.index > 0, ins.count <= 1, outs.count <= 1 {
        // Most steps are like the one before: one word in, one word out.
        let (count, block) = memory.repeated(step, upTo: program[at.run].count - at.index, ins.first, outs.first, &at.ready)
        if count > 0 {
          at.lastEvent = max(at.lastEvent, at.ready, at.ready - step.interval + step.latency)
          if step.writes > 0 { at.lastGift = at.lastEvent }
          at.index += count
          moved = true
          if at.index == program[at.run].count { endRun(&at, stage) }
          continue
        }
        at.block = block
        break
      }
      let isFirst = at.run == 0 && at.index == 0
      var start = at.ready
      if isFirst {
        guard let earliest = entry(of: at.frame, stage: stage) else { break }
        start = max(start, earliest)
        if let block = waitForStart(stage, at.frame, &start) {
          at.block = block
          break
        }
      }
      if let block = memory.wait(ins, outs, step, &start) {
        at.block = block
        break
      }
      if isFirst {
        begun[stage].append(start)
        at.frameStart = start
        at.lastEvent = start
        at.lastGift = start
        if isSource[stage], entered.count == at.frame { entered.append(start) }
      }
      memory.commit(ins, outs, step, start)
      at.ready = start + step.interval
      at.lastEvent = max(at.lastEvent, at.ready, start + step.latency)
      if step.writes > 0 { at.lastGift = at.lastEvent }
      moved = true
      at.index += 1
      if at.index == program[at.run].count { endRun(&at, stage) }
    }
    cursor[stage] = at
    return moved
  }

  /// Goes to the next run of a stage's schedule, and behind the last one to the next frame.
  private mutating func endRun(_ at: inout Cursor, _ stage: Int) {
    at.index = 0
    at.run += 1
    guard at.run == network.stages[stage].frame.count else { return }
    at.run = 0
    if at.frame == 0 { given[stage] = at.lastGift }
    spans[stage].append(at.frameStart..<at.lastEvent)
    done[stage].append(at.lastEvent)
    at.frame += 1
    at.ready += network.stages[stage].restart
  }

  /// Earliest cycle at which a source may start `frame`; nil while an older frame has to leave first.
  private func entry(of frame: Int, stage: Int) -> Int? {
    guard isSource[stage], let limit = network.framesInFlight, frame >= limit else { return 0 }
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

  /// Words in each FIFO at its fullest while the first `count` frames are written.
  ///
  /// What later frames do does not change it: a word written later is behind all of these, and space is freed in order.
  package func peakOccupancy(ofFirst count: Int) -> [Int] {
    network.fifos.indices.map { fifo in
      peakOccupancy(fifo, tokens: min(streams[fifo].written, count * network.stages[network.fifos[fifo].producer].writesPerFrame))
    }
  }

  /// Words that are written and whose space is not free again yet, at the worst write.
  private func peakOccupancy(_ fifo: Int, tokens: Int) -> Int {
    let base = streams[fifo].base
    var freed = 0
    var peak = 0
    for token in 0..<tokens {
      let now = times.write[base + token]
      while freed < token, times.read[base + freed] < now { freed += 1 }
      peak = max(peak, token + 1 - freed)
    }
    return peak
  }
}
