internal import Engine

/// Tile by tile through an event queue: each memory serves its requests in the order they come, the array takes one tile
/// after the other, buffers are returned when a tile is done, and the next layer's weights use idle cycles.
package struct EventSchedule {
  let machine: NPUDescription
  let tileLimit: Int

  package init(_ machine: NPUDescription, tileLimit: Int = TileJob.limit) {
    self.machine = machine
    self.tileLimit = tileLimit
  }

  package func run(_ layers: [Layer]) -> [LayerTiming] {
    let busy = layers.map { TileJob($0, machine: machine, limit: tileLimit) }
    let jobs = zip(layers, busy).filter { $0.0.place != .view }.map(\.1)
    var simulation = TileSimulation(machine, jobs)
    var simulated = simulation.run().makeIterator()
    var now = 0
    return zip(layers, busy).map { layer, job in
      guard layer.place != .view, let timing = simulated.next() else { return LayerTiming(at: now, busy: job.busy(machine)) }
      now = timing.end
      return timing
    }
  }
}

/// The state of one event simulation.
struct TileSimulation {
  private enum Kind { case weights, input, stream, store }

  private struct Request {
    var tile: Int
    var kind: Kind
    var bytes: Int
    /// The first byte cannot come before this cycle.
    var ready: Int
  }

  private enum Event {
    case served(memory: Int)
    case launched
    case multiplied
  }

  /// A memory with its queue.
  private struct Port {
    let bytesPerCycle: Double
    var queue: [Request] = []
    var serving: Request?
    /// When the last byte of what has been served passed.
    var free = 0.0
  }

  /// The running layer.
  private struct Running {
    var job: TileJob
    var timing: LayerTiming
    var log = StallLog()
    /// Operand transfers that each tile still waits for, and when the latest of either kind came.
    var missing: [Int]
    var weightsCame: [Int]
    var inputsCame: [Int]
    var requested = 0
    var computed = 0
    var isBusy = false
    var isLaunched = false
    /// When the array became free.
    var idleSince = 0
    /// Streams of the current tile and stores in flight.
    var streaming = 0
    var storing = 0
    var multipliedAt: Int?
    var streamsEnd: [Int: Int] = [:]
    var lastStore = 0

    init(_ job: TileJob, at cycle: Int, busy: [Int]) {
      self.job = job
      timing = LayerTiming(at: cycle, busy: busy)
      missing = Array(repeating: 0, count: job.count)
      weightsCame = Array(repeating: cycle, count: job.count)
      inputsCame = Array(repeating: cycle, count: job.count)
      lastStore = cycle
    }
  }

  private let machine: NPUDescription
  private let jobs: [TileJob]
  private var queue = EventQueue<Event>()
  private var ports: [Port]
  private var index = 0
  private var layer: Running
  /// Weights of the running layer that came before it started and are not used yet.
  private var ahead: Prefetch
  /// Since when idle cycles of the weights' memory count for the next layer, and how many there were.
  private var open: Double?
  private var idle = 0.0
  private var timings: [LayerTiming] = []

  init(_ machine: NPUDescription, _ jobs: [TileJob]) {
    self.machine = machine
    self.jobs = jobs
    ports = machine.memories.map { Port(bytesPerCycle: $0.bytesPerCycle) }
    ahead = Prefetch(latency: machine.memories[machine.placement.weights].readLatency)
    layer = Running(
      jobs.first ?? TileJob(Layer(place: .view, memories: machine.memories.count), machine: machine, limit: 1), at: 0, busy: [])
  }

  mutating func run() -> [LayerTiming] {
    guard !jobs.isEmpty else { return [] }
    begin()
    while let (_, event) = queue.pop() {
      switch event {
      case .launched: layer.isLaunched = true
      case .multiplied: layer.multipliedAt = queue.now
      case .served(let memory): served(memory)
      }
      advance()
    }
    return timings
  }

  private mutating func begin() {
    layer = Running(jobs[index], at: queue.now, busy: jobs[index].busy(machine))
    layer.timing.early = machine.memories[machine.placement.weights].cycles(for: ahead.bytes)
    layer.idleSince = queue.now + layer.job.launch + layer.job.host
    for memory in ports.indices { ports[memory].free = Double(queue.now) }
    queue.push(.launched, at: layer.idleSince)
    if layer.job.holdsAllWeights { openForPrefetch(at: Double(queue.now)) }
    for _ in 0..<min(layer.job.depth, layer.job.count) { requestOperands() }
  }

  // MARK: Memories

  /// Asks for the weights and inputs of the next tile.
  private mutating func requestOperands() {
    let tile = layer.requested
    layer.requested += 1
    let weights = machine.placement.weights
    let bytes = layer.job.weightBytes(tile)
    var here = min(ahead.bytes, bytes)
    ahead.bytes -= here
    here += takeIdle(bytes - here)
    layer.weightsCame[tile] = queue.now
    layer.inputsCame[tile] = queue.now
    if bytes > here {
      let latency = tile == 0 ? ahead.latency : 0
      layer.missing[tile] += 1
      request(weights, Request(tile: tile, kind: .weights, bytes: bytes - here, ready: queue.now + latency))
    } else if tile == layer.job.count - 1, !layer.job.holdsAllWeights {
      // Everything that waits in the queue was asked for before.
      let port = ports[weights]
      openForPrefetch(
        at: port.queue.reduce(port.free) { time, request in
          max(time, Double(request.ready)) + Double(request.bytes) / port.bytesPerCycle
        })
    }
    for (memory, bytes) in layer.job.inputs(tile) {
      let latency = tile == 0 ? machine.memories[memory].readLatency : 0
      layer.missing[tile] += 1
      request(memory, Request(tile: tile, kind: .input, bytes: bytes, ready: queue.now + latency))
    }
  }

  private mutating func request(_ memory: Int, _ request: Request) {
    ports[memory].queue.append(request)
    if ports[memory].serving == nil { serve(memory) }
  }

  /// Starts the request at the head of the queue.
  private mutating func serve(_ memory: Int) {
    guard !ports[memory].queue.isEmpty else { return }
    let request = ports[memory].queue.removeFirst()
    let begin = max(ports[memory].free, Double(request.ready))
    if memory == machine.placement.weights, let since = open {
      idle += max(0, begin - max(since, ports[memory].free))
    }
    ports[memory].free = begin + Double(request.bytes) / ports[memory].bytesPerCycle
    ports[memory].serving = request
    queue.push(.served(memory: memory), at: MemoryPort.whole(ports[memory].free))
  }

  private mutating func served(_ memory: Int) {
    guard let request = ports[memory].serving else { return }
    ports[memory].serving = nil
    switch request.kind {
    case .weights:
      layer.missing[request.tile] -= 1
      layer.weightsCame[request.tile] = queue.now
      if request.tile == layer.job.count - 1, !layer.job.holdsAllWeights { openForPrefetch(at: ports[memory].free) }
    case .input:
      layer.missing[request.tile] -= 1
      layer.inputsCame[request.tile] = max(layer.inputsCame[request.tile], queue.now)
    case .stream:
      layer.streaming -= 1
      layer.streamsEnd[memory] = queue.now
    case .store:
      layer.storing -= 1
      layer.lastStore = max(layer.lastStore, queue.now)
    }
    serve(memory)
  }

  /// The layer's own weights are all there: idle cycles now bring those of the next.
  private mutating func openForPrefetch(at cycle: Double) {
    open = max(cycle, Double(queue.now))
    idle = 0
  }

  /// As many of `bytes` of weights as idle cycles so far could bring.
  private mutating func takeIdle(_ bytes: Int) -> Int {
    guard let since = open else { return 0 }
    let port = ports[machine.placement.weights]
    if port.serving == nil, port.queue.isEmpty {
      idle += max(0, Double(queue.now) - max(since, port.free))
      open = max(since, Double(queue.now))
    }
    let taken = min(bytes, MemoryPort.whole(idle * port.bytesPerCycle))
    idle -= Double(taken) / port.bytesPerCycle
    return taken
  }

  // MARK: Array

  /// Ends the tile that is done, starts the next one when its operands are there, ends the layer.
  private mutating func advance() {
    if layer.isBusy, let multiplied = layer.multipliedAt, layer.streaming == 0 { endTile(multiplied) }
    guard layer.isLaunched, !layer.isBusy else { return }
    let tile = layer.computed
    guard tile < layer.job.count else {
      if layer.storing == 0 { endLayer() }
      return
    }
    guard tile < layer.requested, layer.missing[tile] == 0 else { return }
    layer.isBusy = true
    layer.multipliedAt = nil
    layer.streamsEnd = [:]
    let waited = queue.now - layer.idleSince
    layer.log.wait(waited, forWeights: layer.weightsCame[tile] >= layer.inputsCame[tile])
    if tile == 0 { layer.timing.work = queue.now..<queue.now }
    queue.push(.multiplied, at: queue.now + layer.job.computeCycles(tile))
    for (memory, bytes) in layer.job.streams(tile) {
      layer.streaming += 1
      request(memory, Request(tile: tile, kind: .stream, bytes: bytes, ready: queue.now))
    }
  }

  private mutating func endTile(_ multiplied: Int) {
    let tile = layer.computed
    var end = multiplied
    for (memory, cycle) in layer.streamsEnd.sorted(by: { $0.key < $1.key }) where cycle > end {
      layer.log.overrun(cycle - end, on: memory)
      end = cycle
    }
    layer.isBusy = false
    layer.computed += 1
    layer.idleSince = queue.now
    layer.timing.work = layer.timing.work.lowerBound..<queue.now
    if tile + layer.job.depth < layer.job.count { requestOperands() }
    for (memory, bytes) in layer.job.stores(tile) {
      layer.storing += 1
      request(memory, Request(tile: tile, kind: .store, bytes: bytes, ready: queue.now))
    }
  }

  private mutating func endLayer() {
    layer.timing.end = queue.now
    layer.log.tail(queue.now - layer.timing.work.upperBound)
    layer.log.settle(layer.job, machine, &layer.timing)
    timings.append(layer.timing)
    index += 1
    guard index < jobs.count else { return }
    let weights = machine.placement.weights
    let rest = open.map { max(0, Double(queue.now) - max($0, ports[weights].free)) } ?? 0
    ahead = Prefetch(
      idle: machine.policy.isDoubleBuffered ? idle + rest : 0, of: machine.memories[weights], limit: jobs[index].prefetchableBytes)
    open = nil
    begin()
  }
}
