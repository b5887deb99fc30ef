/// What a wave of thread blocks costs, in clocks at boost frequency.
struct GEMMWave {
  var steps = 0.0
  var epilogue = 0.0
  /// What device memory still needs when the wave's blocks would be done.
  var wait = 0.0
  /// Device-memory part of `steps` taken alone.
  var memory = 0.0
  var issue = 0.0
  var feed = 0.0
  var l2 = 0.0
  var latency = 0.0
}

/// The waves of one candidate on one grid: what is the same for all of them, and the cost of each by its number of blocks.
struct GEMMWaves {
  private let cost: GEMMTileCost
  private let grid: GEMMGrid
  private let traffic: GEMMTraffic
  private let machine: GEMMMachine
  private let fullBytes: (a: Double, b: Double)
  private let lastBytes: (a: Double, b: Double)
  /// Shares of what is asked for that miss the L2.
  private let missA: Double
  private let missB: Double
  /// Bytes one block asks the L2 for per step: rows and columns beyond the edge of the product are filled with zeros, not loaded.
  private let chunk: Double
  /// Slowdown of issue when rows lie far apart.
  private let stride: Double

  init(_ cost: GEMMTileCost, _ grid: GEMMGrid, _ traffic: GEMMTraffic, on machine: GEMMMachine) {
    (self.cost, self.grid, self.traffic, self.machine) = (cost, grid, traffic, machine)
    fullBytes = grid.distinctBytes(grid.firstBlocks, cost, traffic)
    lastBytes = grid.fullWaves > 0 ? grid.distinctBytes(grid.lastBlocks, cost, traffic) : fullBytes
    // What waves ask for beyond the tensor's own bytes hits the L2 as far as both operands fit there.
    let askedA = (grid.fullWaves * fullBytes.a + lastBytes.a) * grid.steps
    let askedB = (grid.fullWaves * fullBytes.b + lastBytes.b) * grid.steps
    missA = traffic.missShare(asked: askedA, own: traffic.aBytes, hot: traffic.hotA)
    missB = traffic.missShare(asked: askedB, own: traffic.bBytes, hot: traffic.hotB)
    let loaded =
      (min(1, traffic.m / cost.m) * cost.aBytes + min(1, traffic.n / cost.n) * cost.bBytes)
      / (cost.aBytes + cost.bBytes)
    chunk = cost.l2Bytes * loaded
    stride = cost.strideFactor(traffic.k)
  }

  /// A wave that fills every slot; nothing when there is none.
  var full: GEMMWave { grid.fullWaves > 0 ? wave(cost.slots, fullBytes, isLast: false) : GEMMWave() }
  var last: GEMMWave { wave(grid.lastBlocks, lastBytes, isLast: true) }

  private func wave(_ blocks: Double, _ bytes: (a: Double, b: Double), isLast: Bool) -> GEMMWave {
    let perSM = (blocks / machine.smCount).rounded(.up)
    let issue = perSM * cost.issue * stride
    let feed = perSM * cost.feed
    let l2 = max(blocks * chunk / machine.l2BytesPerClock, perSM * chunk / machine.l2Port)
    let memory = (bytes.a * missA + bytes.b * missB) / machine.memoryBytesPerClock
    let step = eighthNorm(issue, feed, l2, memory, cost.latency) + machine.stepOverhead
    let epilogue = epilogue(blocks, perSM: perSM)
    let busy = grid.steps * step + (isLast ? epilogue : (1 - cost.overlap) * (epilogue + machine.fill))
    return GEMMWave(
      steps: grid.steps * step, epilogue: epilogue, wait: max(0, grid.steps * memory + drain(blocks) - busy),
      memory: grid.steps * memory, issue: grid.steps * issue, feed: grid.steps * feed, l2: grid.steps * l2,
      latency: grid.steps * cost.latency)
  }

  /// The slower of storing and the L2, plus a fixed part.
  private func epilogue(_ blocks: Double, perSM: Double) -> Double {
    let stored = (addsPartialSums ? Self.partialBytes : traffic.storedPerElement) * cost.m * cost.n
    let store = max(perSM * stored / machine.storeRate, blocks * stored / machine.l2BytesPerClock)
    return store + machine.epilogue
  }

  /// The L2 takes the result in and passes it on while the next blocks run: device memory has to keep up on the whole.
  private func drain(_ blocks: Double) -> Double {
    let covered = blocks * cost.m * cost.n
    // Parts that add up in turn through the result read it back as often as they write it.
    let passes = grid.split > 1 && !addsPartialSums ? 2.0 : 1.0
    return covered * (addsPartialSums ? Self.partialBytes : traffic.drainedPerElement) * passes / machine.memoryBytesPerClock
  }

  /// Every part of a split writes sums of its own, which a kernel of its own adds up.
  private var addsPartialSums: Bool { grid.split > 1 && cost.serialSplit == 0 }

  /// What adding up the parts of a split costs: partial sums are written by every part and read once by the kernel that adds them, or the
  /// parts wait for one another.
  var reduction: Double {
    guard addsPartialSums else { return grid.split > 1 ? cost.serialSplit : 0 }
    let bytes = (grid.split + 1) * traffic.elements * Self.partialBytes + traffic.shape.epilogueBytes
    return machine.splitReduction + bytes / machine.l2BytesPerClock
  }

  /// Partial sums are kept in fp32.
  private static let partialBytes = 4.0
}

/// (a⁸ + b⁸ + c⁸ + d⁸ + e⁸)^⅛: the maximum, rounded where two limits meet.
func eighthNorm(_ a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double) -> Double {
  let top = max(a, b, c, d, e)
  guard top > 0 else { return 0 }
  func eighth(_ x: Double) -> Double {
    let square = (x / top) * (x / top)
    return (square * square) * (square * square)
  }
  let sum = eighth(a) + eighth(b) + eighth(c) + eighth(d) + eighth(e)
  return top * sum.squareRoot().squareRoot().squareRoot()
}
