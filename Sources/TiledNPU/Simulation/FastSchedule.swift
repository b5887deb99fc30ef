internal import Lowering

/// The recurrence of the layer-by-layer schedule with double-buffered tiles and weights fetched ahead.
///
/// A layer passes in `n` tiles. Its memories serve requests in the order in which they are made; the array takes one tile
/// after the other. With `D(x)` the cycle in which request `x` is served, `C(t)` the tile's work and `d` buffers
///
/// - `start(t) = max(end(t−1), D(weights t), D(inputs t))`
/// - `end(t) = max(start(t) + C(t), D(what streams through the array in t))`
/// - weights and inputs of tile `t + d`, and the outputs of `t`, are requested at `end(t)`
/// - the layer ends with the last output; idle cycles of the weights' memory bring the next layer's first weights.
///
/// Requests are made in one order whatever the bandwidths, so every time is a maximum of sums: no event queue is needed,
/// and a layer is never slower with more bandwidth. `EventSchedule` finds the same cycles by events.
package struct FastSchedule {
  let machine: NPUDescription
  let tileLimit: Int

  package init(_ machine: NPUDescription, tileLimit: Int = TileJob.limit) {
    self.machine = machine
    self.tileLimit = tileLimit
  }

  package func run(_ layers: [Layer]) -> [LayerTiming] {
    var timings: [LayerTiming] = []
    var now = 0
    let memory = machine.memories[machine.placement.weights]
    var ahead = Prefetch(latency: memory.readLatency)
    let jobs = layers.map { TileJob($0, machine: machine, limit: tileLimit) }
    var following = jobs.indices.dropFirst().map { $0 } + [jobs.count]
    for index in jobs.indices.reversed() where following[index] < jobs.count && layers[following[index]].place == .view {
      following[index] = following[following[index]]
    }
    for (index, job) in jobs.enumerated() {
      guard layers[index].place != .view else {
        timings.append(LayerTiming(at: now, busy: job.busy(machine)))
        continue
      }
      var tiles = TileRecurrence(job, machine, at: now, ahead: ahead)
      let (timing, idle) = tiles.run()
      timings.append(timing)
      now = timing.end
      guard following[index] < jobs.count else { continue }
      ahead = Prefetch(idle: idle, of: memory, limit: jobs[following[index]].prefetchableBytes)
    }
    return timings
  }

  /// One layer alone, with nothing fetched before it.
  func timing(of layer: Layer) -> LayerTiming {
    let nothing = Prefetch(latency: machine.memories[machine.placement.weights].readLatency)
    var tiles = TileRecurrence(TileJob(layer, machine: machine, limit: tileLimit), machine, at: 0, ahead: nothing)
    return tiles.run().timing
  }
}

/// One layer's tiles in order.
private struct TileRecurrence {
  let job: TileJob
  let machine: NPUDescription
  let weights: Int
  let start: Int
  var ports: [MemoryPort]
  /// Weights that came before the layer started and are not used yet.
  var ahead: Prefetch
  var timing: LayerTiming
  var log = StallLog()
  /// When the weights and the inputs of each tile asked for are there.
  var weightsReady: [Int] = []
  var inputsReady: [Int] = []
  var storesEnd: Int

  init(_ job: TileJob, _ machine: NPUDescription, at start: Int, ahead: Prefetch) {
    self.job = job
    self.machine = machine
    self.start = start
    self.ahead = ahead
    weights = machine.placement.weights
    ports = machine.memories.map { MemoryPort(bytesPerCycle: $0.bytesPerCycle, free: Double(start)) }
    timing = LayerTiming(at: start, busy: job.busy(machine))
    timing.early = machine.memories[weights].cycles(for: ahead.bytes)
    storesEnd = start
    weightsReady.reserveCapacity(job.count)
    inputsReady.reserveCapacity(job.count)
  }

  /// The layer's timing, and the cycles that its weights' memory had for the next layer.
  mutating func run() -> (timing: LayerTiming, idle: Double) {
    if job.holdsAllWeights { ports[weights].openForPrefetch(at: start) }
    for tile in 0..<min(job.depth, job.count) { request(tile, at: start) }
    var end = start + job.launch + job.host
    for tile in 0..<job.count {
      let begin = max(end, weightsReady[tile], inputsReady[tile])
      log.wait(begin - end, forWeights: weightsReady[tile] >= inputsReady[tile])
      if tile == 0 { timing.work = begin..<begin }
      end = begin + job.computeCycles(tile)
      end = stream(tile, from: begin, computed: end)
      if tile + job.depth < job.count { request(tile + job.depth, at: end) }
      for (memory, bytes) in job.stores(tile) { storesEnd = max(storesEnd, ports[memory].serve(bytes, from: end)) }
    }
    timing.work = timing.work.lowerBound..<end
    timing.end = max(end, storesEnd)
    log.tail(timing.end - end)
    log.settle(job, machine, &timing)
    return (timing, machine.policy.isDoubleBuffered ? ports[weights].idleCycles(until: timing.end) : 0)
  }

  /// Asks for the weights and inputs of a tile.
  private mutating func request(_ tile: Int, at cycle: Int) {
    var ready = cycle
    let bytes = job.weightBytes(tile)
    var here = min(ahead.bytes, bytes)
    ahead.bytes -= here
    here += ports[weights].takeIdle(bytes - here, at: cycle)
    if bytes > here {
      let latency = tile == 0 ? ahead.latency : 0
      ready = ports[weights].serve(bytes - here, from: cycle + latency)
    }
    weightsReady.append(ready)
    if tile == job.count - 1, !job.holdsAllWeights { ports[weights].openForPrefetch(at: ready) }
    ready = cycle
    for (memory, bytes) in job.inputs(tile) {
      let latency = tile == 0 ? machine.memories[memory].readLatency : 0
      ready = max(ready, ports[memory].serve(bytes, from: cycle + latency))
    }
    inputsReady.append(ready)
  }

  /// What flows while the tile is worked on; the cycle in which both are done.
  private mutating func stream(_ tile: Int, from begin: Int, computed: Int) -> Int {
    var end = computed
    for (memory, bytes) in job.streams(tile) {
      let done = ports[memory].serve(bytes, from: begin)
      guard done > end else { continue }
      log.overrun(done - end, on: memory)
      end = done
    }
    return end
  }
}
