/// The time of one candidate kernel at one split of the reduction axis: waves of thread blocks over the SMs.
///
/// Per wave: fill + steps · max(issue, shared-memory feed, L2, device memory, latency) + epilogue, and no less than device
/// memory needs for all it reads and writes; the maximum is smoothed by an eighth-power norm because the limits interfere
/// slightly when they are close. All times in clocks.
struct GEMMCandidate {
  /// What a wave of `blocks` thread blocks costs.
  struct Wave {
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

  let cost: GEMMTileCost
  let split: Double
  let blocks: Double
  /// Waves that fill every slot, before the last one.
  let fullWaves: Double
  let full: Wave
  let last: Wave
  let fill: Double
  let mainLoop: Double
  let epilogue: Double
  let skew: Double
  let reduction: Double
  let memoryBytes: Double
  let clocks: Double

  init(_ cost: GEMMTileCost, split: Double, traffic: GEMMTraffic, on machine: GEMMMachine) {
    self.cost = cost
    let shape = traffic.shape
    let tilesM = (traffic.m / cost.m).rounded(.up)
    let tilesN = (traffic.n / cost.n).rounded(.up)
    let allSteps = (traffic.k / cost.stepK).rounded(.up)
    let steps = (allSteps / split).rounded(.up)
    let split = (allSteps / steps).rounded(.up)
    self.split = split
    let tiles = tilesM * tilesN * Double(shape.batch)
    let blocks = tiles * split
    self.blocks = blocks
    let fullWaves = ((blocks - 1) / cost.slots).rounded(.down)
    self.fullWaves = fullWaves
    let lastBlocks = blocks - fullWaves * cost.slots
    let firstBlocks = fullWaves > 0 ? cost.slots : lastBlocks

    // Partial sums in fp32 of their own, unless the parts of a split add up in turn through the result, which is then read
    // back as often as it is written.
    let partial = split > 1 && cost.serialSplit == 0
    let passes = split > 1 && !partial ? 2.0 : 1.0

    // Distinct bytes a wave asks for per step: the blocks that run together form a near-square patch of tiles.
    func distinct(_ wave: Double) -> (a: Double, b: Double) {
      let together = min(max(wave / split, 1), tilesM * tilesN)
      let copies = wave / together
      var rows = min(max((together * cost.bBytes / cost.aBytes).squareRoot(), 1), tilesM)
      let columns = min(max(together / rows, 1), tilesN)
      rows = min(max(together / columns, 1), tilesM)
      return (
        min(rows, traffic.m / cost.m) * cost.aBytes * copies * traffic.distinctShare,
        min(columns, traffic.n / cost.n) * cost.bBytes * copies
      )
    }
    let fullBytes = distinct(firstBlocks)
    let lastBytes = fullWaves > 0 ? distinct(lastBlocks) : fullBytes
    // What waves ask for beyond the tensor's own bytes hits the L2 as far as both operands fit there.
    let asked = (
      a: (fullWaves * fullBytes.a + lastBytes.a) * steps, b: (fullWaves * fullBytes.b + lastBytes.b) * steps
    )
    let missA = traffic.missShare(asked: asked.a, own: traffic.aBytes, hot: traffic.hotA)
    let missB = traffic.missShare(asked: asked.b, own: traffic.bBytes, hot: traffic.hotB)

    // Rows and columns beyond the edge of the product are filled with zeros, not loaded.
    let loaded =
      (min(1, traffic.m / cost.m) * cost.aBytes + min(1, traffic.n / cost.n) * cost.bBytes)
      / (cost.aBytes + cost.bBytes)
    let chunk = cost.l2Bytes * loaded
    let slowdown = cost.strideFactor(traffic.k)
    func wave(_ count: Double, _ bytes: (a: Double, b: Double), isLast: Bool) -> Wave {
      let perSM = (count / machine.smCount).rounded(.up)
      let issue = perSM * cost.issue * slowdown
      let feed = perSM * cost.feed
      let l2 = max(count * chunk / machine.l2BytesPerClock, perSM * chunk / machine.l2Port)
      let memory = (bytes.a * missA + bytes.b * missB) / machine.memoryBytesPerClock
      let step = eighthNorm(issue, feed, l2, memory, cost.latency) + machine.stepOverhead
      let covered = count * cost.m * cost.n
      let stored = (partial ? 4 : traffic.storedPerElement) * cost.m * cost.n
      let store = max(perSM * stored / machine.storeRate, count * stored / machine.l2BytesPerClock)
      let epilogue = store + machine.epilogue
      // The L2 takes the result in and passes it on while the next blocks run: device memory has to keep up on the whole.
      let drain = covered * (partial ? 4 : traffic.drainedPerElement) * passes / machine.memoryBytesPerClock
      let busy = steps * step + (isLast ? epilogue : (1 - cost.overlap) * (epilogue + machine.fill))
      return Wave(
        steps: steps * step, epilogue: epilogue, wait: max(0, steps * memory + drain - busy), memory: steps * memory,
        issue: steps * issue,
        feed: steps * feed, l2: steps * l2, latency: steps * cost.latency)
    }
    full = fullWaves > 0 ? wave(cost.slots, fullBytes, isLast: false) : Wave()
    last = wave(lastBlocks, lastBytes, isLast: true)

    let shown = 1 - cost.overlap
    fill = machine.fill * (1 + fullWaves * shown)
    mainLoop = fullWaves * full.steps + last.steps
    epilogue = fullWaves * (shown * full.epilogue + full.wait) + last.epilogue + last.wait
    let memory = fullWaves * full.memory + last.memory
    memoryBytes = memory * machine.memoryBytesPerClock
    let skewed = machine.skew * memory
    skew = skewed / (1 + skewed / machine.skewLimit)
    // Partial sums are written by every split in fp32 and read once by the kernel that adds them.
    reduction =
      partial
      ? machine.splitReduction + ((split + 1) * traffic.elements * 4 + shape.epilogueBytes) / machine.l2BytesPerClock
      : split > 1 ? cost.serialSplit : 0
    clocks = fill + mainLoop + epilogue + skew + reduction
  }
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

/// The machine's constants in clocks at boost frequency, gathered once.
struct GEMMMachine: Sendable {
  let smCount: Double
  let l2BytesPerClock: Double
  let l2Port: Double
  let memoryBytesPerClock: Double
  let stepOverhead: Double
  let storeRate: Double
  let epilogue: Double
  let fill: Double
  let skew: Double
  let skewLimit: Double
  let splitReduction: Double

  init(_ gpu: GPUDescription) {
    let clock = gpu.boostClock
    smCount = Double(gpu.smCount)
    l2BytesPerClock = gpu.l2BytesPerClock
    l2Port = gpu.sm.l2Port
    memoryBytesPerClock = gpu.memoryBytesPerClock
    stepOverhead = gpu.gemm.stepOverhead
    storeRate = gpu.gemm.storeRate
    epilogue = gpu.gemm.epilogue
    fill = gpu.gemm.fill
    skew = gpu.memory.skew
    skewLimit = gpu.memory.skewLimit * clock
    splitReduction = gpu.gemm.splitReduction * clock
  }
}

/// What a shape brings from where: bytes of each operand and how much of them the L2 already holds.
struct GEMMTraffic {
  let shape: GEMMShape
  let encoding: OperandBytes
  let m: Double
  let n: Double
  let k: Double
  let aBytes: Double
  let bBytes: Double
  let cBytes: Double
  /// Distinct bytes of A over those of its m × k view: below one for a convolution, whose taps overlap within a wave.
  let distinctShare: Double
  /// Elements of the result, and bytes its epilogue moves for each.
  let elements: Double
  let storedPerElement: Double
  /// Bytes of the epilogue that device memory carries: without what the L2 holds.
  let drainedBytes: Double
  /// Of those per element, a written byte at its cost.
  let drainedPerElement: Double
  /// Share of A that its producer left in the L2.
  let hotA: Double
  /// Share of B that survived in the L2 since its last use.
  let hotB: Double
  /// Share of both operands that stays in the L2 once it has been read.
  let kept: Double

  init(_ shape: GEMMShape, encoding: OperandBytes, on gpu: GPUDescription) {
    self.shape = shape
    self.encoding = encoding
    m = Double(shape.m)
    n = Double(shape.n)
    k = Double(shape.k)
    let batch = Double(shape.batch)
    let viewed = batch * m * k * encoding.activation
    aBytes = shape.activationBytes ?? viewed
    distinctShare = min(1, aBytes / max(viewed, 1))
    bBytes = batch * n * k * encoding.weight
    elements = batch * m * n
    cBytes = shape.resultBytes
    storedPerElement = (cBytes + shape.epilogueBytes) / max(elements, 1)
    let cache = gpu.l2.capacity * gpu.l2.usableShare
    let held = shape.residency
    let written = cBytes * (1 - (held?.stored ?? 0))
    let read = shape.epilogueBytes * (1 - (held?.epilogue ?? 0))
    drainedBytes = written + read
    drainedPerElement = (written * gpu.gemm.writeCost + read) / max(elements, 1)
    hotA = held?.activation ?? min(1, cache / max(aBytes, 1))
    let survives = min(1, max(0, (cache - aBytes) / max(shape.weightReuseBytes, bBytes + cBytes)))
    hotB = held?.weight ?? survives * survives
    kept = min(1, cache / max(aBytes + bBytes, 1))
  }

  /// Share of the bytes waves ask for that device memory has to deliver.
  func missShare(asked: Double, own: Double, hot: Double) -> Double {
    let most = max(asked, own)
    guard most > 0 else { return 0 }
    return (own + (most - own) * (1 - kept)) / most * (1 - hot)
  }
}
