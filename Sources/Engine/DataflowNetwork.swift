/// One firing of a stage: the tokens it takes, the tokens it gives and the time it holds the stage.
///
/// A token is one word of a stream: all channels of one pixel (hls4ml `nnet::array`) or one folded word (FINN).
package struct StageStep: Sendable, Hashable {
  /// Tokens taken from every input FIFO when the step starts.
  package var reads: Int
  /// Tokens given to every output FIFO, `latency` cycles after the start.
  package var writes: Int
  /// Cycles until the next step of the same stage may start (its initiation interval).
  package var interval: Int
  /// Cycles from the start to the moment the tokens stand in the FIFO.
  package var latency: Int

  package init(reads: Int, writes: Int, interval: Int, latency: Int) {
    self.reads = reads
    self.writes = writes
    self.interval = interval
    self.latency = latency
  }
}

/// `count` equal steps in a row; a frame is a list of runs, so that a row of pixels costs one entry.
package struct StageRun: Sendable, Hashable {
  package var step: StageStep
  package var count: Int

  package init(_ step: StageStep, count: Int) {
    self.step = step
    self.count = count
  }
}

/// One process of the pipeline with the schedule it repeats for every frame.
package struct DataflowStage: Sendable, Hashable {
  package var name: String
  package var frame: [StageRun]
  /// Cycles lost between the last step of a frame and the first of the next.
  package var restart: Int

  package init(name: String, frame: [StageRun], restart: Int = 1) {
    self.name = name
    self.frame = frame.filter { $0.count > 0 }
    self.restart = restart
  }

  /// Cycles the stage is busy for one frame when nothing makes it wait.
  package var cyclesPerFrame: Int { frame.reduce(restart) { $0 + $1.count * $1.step.interval } }
  /// Tokens taken from each input FIFO in one frame.
  package var readsPerFrame: Int { frame.reduce(0) { $0 + $1.count * $1.step.reads } }
  /// Tokens given to each output FIFO in one frame.
  package var writesPerFrame: Int { frame.reduce(0) { $0 + $1.count * $1.step.writes } }
  /// Cycles from the first start to the last token when nothing makes the stage wait.
  package var isolatedLatency: Int {
    var clock = 0
    var last = 0
    for run in frame {
      clock += run.count * run.step.interval
      last = max(last, clock, clock - run.step.interval + run.step.latency)
    }
    return last
  }
}

/// A bounded FIFO from one stage to another.
package struct DataflowFIFO: Sendable, Hashable {
  package var name: String
  package var producer: Int
  package var consumer: Int
  /// Words it holds.
  package var depth: Int
  /// Bits of one word.
  package var width: Int
  /// Words that travel side by side, each in a memory of its own (channels of an unpacked stream).
  package var lanes: Int

  package init(name: String, producer: Int, consumer: Int, depth: Int, width: Int = 1, lanes: Int = 1) {
    self.name = name
    self.producer = producer
    self.consumer = consumer
    self.depth = depth
    self.width = width
    self.lanes = lanes
  }
}

/// Why a set of stages and FIFOs is not a pipeline.
package enum DataflowNetworkError: Error, Sendable, Equatable {
  case empty
  case unknownStage(fifo: String)
  case zeroDepth(fifo: String)
  case emptySchedule(stage: String)
  case rateMismatch(fifo: String, written: Int, read: Int)
  case tooLarge(tokens: Int)
}

/// Stages joined by FIFOs: stage indices are positions in `stages`, in topological order of the data.
package struct DataflowNetwork: Sendable, Hashable {
  /// Words on all streams in the frames of one simulated run, at most: each takes two times of memory.
  package static let largestRun = 200_000_000

  package var stages: [DataflowStage]
  package var fifos: [DataflowFIFO]
  /// Frames that may be inside at once (`nil`: as many as fit); a property of the control interface.
  package var framesInFlight: Int?

  package init(
    stages: [DataflowStage], fifos: [DataflowFIFO], framesInFlight: Int? = nil
  ) throws(DataflowNetworkError) {
    self.stages = stages
    self.fifos = fifos
    self.framesInFlight = framesInFlight
    guard !stages.isEmpty else { throw .empty }
    for stage in stages where stage.frame.isEmpty { throw .emptySchedule(stage: stage.name) }
    for fifo in fifos {
      guard stages.indices.contains(fifo.producer), stages.indices.contains(fifo.consumer) else {
        throw .unknownStage(fifo: fifo.name)
      }
      guard fifo.depth > 0 else { throw .zeroDepth(fifo: fifo.name) }
      let written = stages[fifo.producer].writesPerFrame
      let read = stages[fifo.consumer].readsPerFrame
      guard written == read else { throw .rateMismatch(fifo: fifo.name, written: written, read: read) }
    }
  }

  package func inputs(of stage: Int) -> [Int] { fifos.indices.filter { fifos[$0].consumer == stage } }
  package func outputs(of stage: Int) -> [Int] { fifos.indices.filter { fifos[$0].producer == stage } }

  /// Stages that take nothing from a FIFO: frames enter here.
  package var sources: [Int] {
    let fed = Set(fifos.map(\.consumer))
    return stages.indices.filter { !fed.contains($0) }
  }

  /// Stages that give nothing to a FIFO: a frame is done when all of them are.
  package var sinks: [Int] {
    let feeding = Set(fifos.map(\.producer))
    return stages.indices.filter { !feeding.contains($0) }
  }

  /// The slowest stage: its cycles per frame bound the throughput from below.
  package var bottleneck: Int {
    var best = 0
    for index in stages.indices where stages[index].cyclesPerFrame > stages[best].cyclesPerFrame { best = index }
    return best
  }
}
