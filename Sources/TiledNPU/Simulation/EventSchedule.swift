internal import Engine

/// Tile by tile: transfers share the bandwidth of their memory, the array takes one tile after the other, buffers are
/// returned when a tile is done, and weights of the next layer come when their memory is idle.
package struct EventSchedule {
  let machine: NPUDescription
  /// Most tiles of a layer that are simulated one by one; more are merged into equal parts.
  let tileLimit: Int

  package init(_ machine: NPUDescription, tileLimit: Int = 128) {
    self.machine = machine
    self.tileLimit = tileLimit
  }

  package func run(_ layers: [Layer]) -> [LayerTiming] {
    let fast = FastSchedule(machine)
    let jobs = layers.enumerated().filter { $0.element.place != .view }
      .map { TileJob($0.element, number: $0.offset, machine: machine, limit: tileLimit) }
    var simulation = TileSimulation(machine, jobs)
    let extents = simulation.run()
    var timings: [LayerTiming] = []
    var now = 0
    var next = 0
    for layer in layers {
      // Causes come from the closed form of the same layer; what the events add or save goes to what bounds it.
      var timing = fast.timing(of: layer, at: now, idleBefore: Array(repeating: 0, count: machine.memories.count))
      if layer.place != .view {
        let extent = extents[next]
        next += 1
        timing.settle(end: extent.end, work: extent.work, early: max(0, now - extent.firstTransfer))
        now = extent.end
      }
      timings.append(timing)
    }
    return timings
  }
}

extension LayerTiming {
  /// Takes over simulated times and keeps the causes summing to the layer's cycles.
  fileprivate mutating func settle(end: Int, work: Range<Int>, early: Int) {
    self.end = end
    self.work = work
    self.early = early
    var excess = causes.values.reduce(0, +) - cycles
    for cause in [Cause.weightTransfer, .inputTransfer, .outputTransfer, .memoryBandwidth] where excess > 0 {
      let taken = min(excess, causes[cause] ?? 0)
      causes[cause, default: 0] -= taken
      excess -= taken
    }
    if excess < 0 { causes[bindingMemory == nil ? .inputTransfer : .memoryBandwidth, default: 0] -= excess }
    causes = causes.filter { $0.value != 0 }
  }
}

/// When one layer ran.
struct LayerExtent {
  var start = 0
  var end = 0
  var work = 0..<0
  var firstTransfer = Int.max
}

/// The state of one event simulation.
struct TileSimulation {
  private enum Kind: Hashable { case weights, input, stream, store }

  private struct Tag: Hashable, Sendable {
    var job: Int
    var tile: Int
    var kind: Kind
  }

  private enum Event {
    case channel(Int, SharedChannel<Tag>.Ticket)
    case begin(memory: Int, Tag, bytes: Int)
    case computed(job: Int, tile: Int)
    case launched(job: Int)
  }

  /// Progress of one job.
  private struct Progress {
    var weightsIssued = 0
    var inputsIssued = 0
    /// A transfer engine brings one tile after the other, for weights and for inputs.
    var weightsInFlight = 0
    var inputsInFlight = 0
    /// Transfers a tile still waits for.
    var missing: [Int: Int] = [:]
    var computed = 0
    var isComputing = false
    var isLaunched = false
    /// Streams and stores in flight.
    var open = 0
  }

  private let machine: NPUDescription
  private let jobs: [TileJob]
  private var queue = EventQueue<Event>()
  private var channels: [SharedChannel<Tag>]
  private var progress: [Progress]
  private var extents: [LayerExtent]
  private var current = 0

  init(_ machine: NPUDescription, _ jobs: [TileJob]) {
    self.machine = machine
    self.jobs = jobs
    channels = machine.memories.map { SharedChannel(bytesPerCycle: $0.bytesPerCycle) }
    progress = jobs.map { _ in Progress() }
    extents = jobs.map { _ in LayerExtent() }
  }

  mutating func run() -> [LayerExtent] {
    guard !jobs.isEmpty else { return [] }
    start(0)
    while let (_, event) = queue.pop() {
      switch event {
      case .begin(let memory, let tag, let bytes):
        queue.push(.channel(memory, channels[memory].start(tag, bytes: bytes, at: queue.now)), at: queue.now)
      case .channel(let memory, let ticket): arrive(memory, ticket)
      case .computed(let job, let tile): finish(job, tile)
      case .launched(let job):
        progress[job].isLaunched = true
        advance(job)
      }
    }
    return extents
  }

  private mutating func start(_ job: Int) {
    current = job
    extents[job].start = queue.now
    extents[job].work = queue.now..<queue.now
    queue.push(.launched(job: job), at: queue.now + jobs[job].launch + jobs[job].host)
    issue(job)
  }

  /// A ticket comes due now or in the future; stale ones are dropped.
  private mutating func arrive(_ memory: Int, _ ticket: SharedChannel<Tag>.Ticket) {
    guard ticket.cycle <= queue.now else {
      queue.push(.channel(memory, ticket), at: ticket.cycle)
      return
    }
    guard let (ended, next) = channels[memory].redeem(ticket) else { return }
    if let next { queue.push(.channel(memory, next), at: next.cycle) }
    for tag in ended {
      switch tag.kind {
      case .weights:
        progress[tag.job].missing[tag.tile, default: 0] -= 1
        progress[tag.job].weightsInFlight -= 1
      case .input:
        progress[tag.job].missing[tag.tile, default: 0] -= 1
        progress[tag.job].inputsInFlight -= 1
      case .stream, .store: progress[tag.job].open -= 1
      }
    }
    for job in Set(ended.map(\.job)).sorted() {
      if job == current { issue(job) }
      advance(job)
    }
    prefetch()
  }

  private mutating func finish(_ job: Int, _ tile: Int) {
    progress[job].isComputing = false
    progress[job].computed += 1
    progress[job].missing[tile] = nil
    extents[job].work = extents[job].work.lowerBound..<queue.now
    for (memory, bytes) in jobs[job].stores(tile) {
      progress[job].open += 1
      transfer(memory, Tag(job: job, tile: tile, kind: .store), bytes: bytes, latency: 0)
    }
    issue(job)
    advance(job)
  }

  /// Starts the next tile when its operands are there, or ends the layer.
  private mutating func advance(_ job: Int) {
    guard job == current, progress[job].isLaunched, !progress[job].isComputing else { return }
    let tile = progress[job].computed
    if tile == jobs[job].count {
      guard progress[job].open == 0 else { return }
      extents[job].end = queue.now
      if job + 1 < jobs.count { start(job + 1) }
      return
    }
    guard progress[job].inputsIssued > tile, progress[job].weightsIssued > tile, (progress[job].missing[tile] ?? 0) == 0 else { return }
    progress[job].isComputing = true
    if tile == 0 { extents[job].work = queue.now..<queue.now }
    for (memory, bytes) in jobs[job].streams(tile) {
      progress[job].open += 1
      transfer(memory, Tag(job: job, tile: tile, kind: .stream), bytes: bytes, latency: 0)
    }
    queue.push(.computed(job: job, tile: tile), at: queue.now + jobs[job].computeCycles(tile))
    prefetch()
  }

  /// Requests every tile of the running layer that has a buffer.
  private mutating func issue(_ job: Int) {
    let plan = jobs[job]
    while progress[job].inputsInFlight == 0, progress[job].inputsIssued < plan.count,
      progress[job].inputsIssued - progress[job].computed < plan.inputSlots
    {
      let tile = progress[job].inputsIssued
      if progress[job].weightsInFlight > 0, tile > progress[job].computed, !progress[job].isComputing { break }
      progress[job].inputsIssued += 1
      for (memory, bytes) in plan.inputs(tile) {
        progress[job].missing[tile, default: 0] += 1
        progress[job].inputsInFlight += 1
        let latency = tile == 0 ? machine.memories[memory].readLatency : 0
        transfer(memory, Tag(job: job, tile: tile, kind: .input), bytes: bytes, latency: latency)
      }
    }
    while requestWeights(job) {}
    prefetch()
  }

  /// Requests the weights of one more tile; false when none may be requested.
  private mutating func requestWeights(_ job: Int) -> Bool {
    let tile = progress[job].weightsIssued
    // What the next tile waits for goes first.
    if job == current, progress[job].inputsInFlight > 0, tile > progress[job].computed, !progress[job].isComputing { return false }
    guard progress[job].weightsInFlight == 0, tile < jobs[job].count, tile - progress[job].computed < jobs[job].weightSlots else {
      return false
    }
    progress[job].weightsIssued += 1
    let bytes = jobs[job].weightBytes(tile)
    guard bytes > 0 else { return true }
    progress[job].missing[tile, default: 0] += 1
    progress[job].weightsInFlight += 1
    let memory = machine.placement.weights
    transfer(memory, Tag(job: job, tile: tile, kind: .weights), bytes: bytes, latency: tile == 0 ? machine.memories[memory].readLatency : 0)
    return true
  }

  /// Weights of the next layer, one tile at a time, while their memory has nothing better to do.
  private mutating func prefetch() {
    let job = current + 1
    guard machine.policy.isDoubleBuffered, job < jobs.count, progress[current].weightsIssued == jobs[current].count,
      channels[machine.placement.weights].isIdle
    else { return }
    while requestWeights(job) {}
  }

  private mutating func transfer(_ memory: Int, _ tag: Tag, bytes: Int, latency: Int) {
    if tag.kind == .weights || tag.kind == .input { extents[tag.job].firstTransfer = min(extents[tag.job].firstTransfer, queue.now) }
    guard latency > 0 else {
      let ticket = channels[memory].start(tag, bytes: bytes, at: queue.now)
      queue.push(.channel(memory, ticket), at: ticket.cycle)
      return
    }
    queue.push(.begin(memory: memory, tag, bytes: bytes), at: queue.now + latency)
  }
}
