internal import Lowering

/// The port of one memory: requests are served at full bandwidth in the order in which they are made.
///
/// Times between whole cycles are kept, so that many small requests take as long as one large one.
struct MemoryPort {
  let bytesPerCycle: Double
  /// When everything requested so far has passed.
  private(set) var free: Double
  /// Idle cycles since `openForPrefetch` that nothing has used; nil before.
  private var idle: Double?

  init(bytesPerCycle: Double, free: Double = 0) {
    self.bytesPerCycle = bytesPerCycle
    self.free = free
  }

  /// Whole cycles or bytes in `amount`, which sums of fractions may miss by a rounding error.
  static func whole(_ amount: Double) -> Int { Int(amount + 1e-6) }

  /// Serves `bytes` requested at `cycle`; the cycle in which the last of them passes.
  mutating func serve(_ bytes: Int, from cycle: Int) -> Int {
    let begin = max(free, Double(cycle))
    idle = idle.map { $0 + begin - free }
    free = begin + Double(bytes) / bytesPerCycle
    return Self.whole(free)
  }

  /// From now on idle cycles may bring the next layer's weights.
  mutating func openForPrefetch(at cycle: Int) {
    free = max(free, Double(cycle))
    idle = 0
  }

  /// As many of `bytes` as idle cycles before `cycle` could bring.
  mutating func takeIdle(_ bytes: Int, at cycle: Int) -> Int {
    guard var cycles = idle else { return 0 }
    cycles += max(0, Double(cycle) - free)
    free = max(free, Double(cycle))
    let taken = min(bytes, Self.whole(cycles * bytesPerCycle))
    idle = cycles - Double(taken) / bytesPerCycle
    return taken
  }

  /// Idle cycles until `cycle`, where the layer ends.
  func idleCycles(until cycle: Int) -> Double { idle.map { $0 + max(0, Double(cycle) - free) } ?? 0 }
}

/// What idle cycles under one layer have done for the weights of the next.
struct Prefetch {
  /// Bytes that are there.
  var bytes = 0
  /// Cycles of the first access that are still to come.
  var latency: Int

  /// Nothing has been asked for.
  init(latency: Int) { self.latency = latency }

  /// `idle` cycles of `memory`, which pay for the latency first, and at most `limit` bytes.
  init(idle: Double, of memory: MemoryLevel, limit: Int) {
    let spent = min(idle, Double(memory.readLatency))
    latency = memory.readLatency - MemoryPort.whole(spent)
    bytes = min(limit, MemoryPort.whole((idle - spent) * memory.bytesPerCycle))
  }
}
