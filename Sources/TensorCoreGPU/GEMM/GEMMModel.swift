internal import IR
package import Lowering

/// Predicts matrix products on one machine: chooses a path for the encodings, then the candidate kernel that is predicted
/// fastest, as the library's own selection does from its timings.
///
/// A pure function of shape and description; prepare once, ask often (about 10 µs a shape).
package struct GEMMModel: Sendable {
  package let gpu: GPUDescription
  /// Waves in closed form, or thread blocks as events.
  package let fidelity: RunRequest.Fidelity
  let machine: GEMMMachine

  package init(_ gpu: GPUDescription, fidelity: RunRequest.Fidelity = .fast) {
    self.gpu = gpu
    self.fidelity = fidelity
    machine = GEMMMachine(gpu)
  }

  /// Time of a product on a path that takes its encodings.
  package func estimate(_ shape: GEMMShape, on path: GEMMPath) -> GEMMEstimate {
    let traffic = traffic(shape, path)
    let timed = path.profiledRows > 0 ? self.traffic(shape.asTimed(upTo: path.profiledRows), path) : traffic
    guard let kernel = fastest(timed, path) else { return vectorEstimate(traffic, path, plainVector(shape)) }
    let tiled = estimate(kernel, timed, path)
    if let vector = path.vector, timed.shape.m <= vector.rows,
      vectorEstimate(timed, path, vector).seconds < tiled.seconds
    {
      return vectorEstimate(traffic, path, vector)
    }
    guard path.profiledRows > 0 else { return tiled }
    let grid = GEMMGrid(kernel.cost, parts: kernel.grid.split, traffic)
    return estimate(GEMMCandidate(kernel.cost, grid, traffic, on: machine), traffic, path)
  }

  /// The candidate kernel with the least clocks; nil when no tile fits the machine.
  private func fastest(_ traffic: GEMMTraffic, _ path: GEMMPath) -> GEMMCandidate? {
    var best: GEMMCandidate?
    for tile in traffic.shape.batch > 1 ? path.batchedTiles : path.tiles {
      guard let cost = GEMMTileCost(tile, path: path, encoding: traffic.encoding, on: gpu) else { continue }
      for split in path.splits {
        let grid = GEMMGrid(cost, parts: Double(split), traffic)
        guard isOffered(grid, cost, traffic), leastClocks(grid, cost) < best?.clocks ?? .infinity else { continue }
        let candidate = GEMMCandidate(cost, grid, traffic, on: machine)
        if candidate.clocks < best?.clocks ?? .infinity { best = candidate }
      }
    }
    return best
  }

  private func traffic(_ shape: GEMMShape, _ path: GEMMPath) -> GEMMTraffic {
    GEMMTraffic(shape, encoding: OperandBytes(shape, path), on: gpu)
  }

  /// A bound no candidate undercuts: all issue work spread over the SMs, or one block's steps in sequence.
  private func leastClocks(_ grid: GEMMGrid, _ cost: GEMMTileCost) -> Double {
    max(grid.tiles * grid.allSteps * cost.issue / machine.smCount, grid.steps * max(cost.issue, cost.latency)) + machine.fill
  }

  /// Splits the library tries: parts that add up in turn only have to be whole steps of equal number. Otherwise it does not
  /// split a reduction below `split-bytes` per row, nor beyond the path's share of the machine.
  private func isOffered(_ grid: GEMMGrid, _ cost: GEMMTileCost, _ traffic: GEMMTraffic) -> Bool {
    guard grid.parts > 1 else { return true }
    if cost.serialSplit > 0 { return traffic.k.truncatingRemainder(dividingBy: grid.parts * cost.stepK) == 0 }
    return grid.steps * Double(cost.tile.stepBytes) >= gpu.gemm.splitBytes && grid.tiles * grid.parts <= cost.splitWaves * cost.slots
  }

  /// seconds = launch + prelude + clocks / (boost clock · clock share).
  private func estimate(_ best: GEMMCandidate, _ traffic: GEMMTraffic, _ path: GEMMPath) -> GEMMEstimate {
    let boost = gpu.boostClock
    let work = work(best, traffic, path)
    let share = gpu.power.feltShare(work: work, seconds: best.clocks / boost, boost: boost)
    let clock = boost * share
    let prelude = prelude(traffic, path)
    let waves = waveClocks(best)
    let seconds = gpu.launch.graph + prelude + (best.clocks + waves.blocks - waves.formula) / clock
    let loads = best.grid.blocks / best.grid.split * best.grid.allSteps
    return GEMMEstimate(
      seconds: seconds, floorSeconds: floor(traffic, path), limit: limit(best, seconds: seconds), path: path.name,
      tile: best.cost.tile, split: Int(best.grid.split), blocks: best.grid.blocks, slots: best.cost.slots,
      launch: gpu.launch.graph, prelude: prelude, fill: best.fill / clock,
      mainLoop: (best.mainLoop + waves.blocks - waves.formula) / clock,
      epilogue: best.epilogue / clock, reduction: best.reduction / clock, skew: best.skew / clock, clockShare: share,
      deviceBytes: best.memoryBytes + traffic.drainedBytes, l2Bytes: loads * best.cost.l2Bytes,
      sharedBytes: loads * best.cost.sharedBytes,
      energy: work * gpu.power.voltageSquared(share, boost: boost) + traffic.drainedBytes * gpu.memory.energyPerByte
        + gpu.power.idle * seconds)
  }

  /// Joules at boost of all that tiles cover and of the operands' way from device memory: the dynamic power is this over the time.
  private func work(_ best: GEMMCandidate, _ traffic: GEMMTraffic, _ path: GEMMPath) -> Double {
    let covered = best.grid.tilesM * best.cost.m * best.grid.tilesN * best.cost.n
    let macs = covered * traffic.k * Double(traffic.shape.batch)
    return macs * path.instruction.energy + best.memoryBytes * gpu.memory.energyPerByte
  }

  /// Clocks of the waves by their formula, and of the blocks as the fidelity asks for them.
  private func waveClocks(_ best: GEMMCandidate) -> (formula: Double, blocks: Double) {
    let waves = best.fill + best.mainLoop + best.epilogue
    switch fidelity {
    case .fast: return (waves, waves)
    case .event: return (waves, BlockSchedule(candidate: best).clocks(fill: machine.fill))
    }
  }

  /// Kernels that quantise activations before the product: a fixed part and passes over the activations.
  func prelude(_ traffic: GEMMTraffic, _ path: GEMMPath) -> Double {
    guard traffic.shape.isDynamic || OperandBytes.narrowsActivations(traffic.shape, path) else { return path.lead }
    // A convolution's image is smaller than the matrix it stands for.
    let elements =
      traffic.shape.activationBytes.map { $0 * 8 / Double(traffic.shape.activation.bits) }
      ?? traffic.m * traffic.k * Double(traffic.shape.batch)
    return path.lead + path.prelude + path.preludeBytes * elements / gpu.memory.bandwidth
  }

  /// What no kernel can undercut: every multiply-add at peak rate, or at pin rate the bytes that an L2 does not hold which keeps
  /// the last bytes touched, as many as its whole capacity.
  func floor(_ traffic: GEMMTraffic, _ path: GEMMPath) -> Double {
    let peak = path.instruction.rate * Double(gpu.smCount) * gpu.boostClock
    let held = traffic.shape.residency
    func cold(_ bytes: Double, _ most: Double?, _ found: Double) -> Double {
      bytes * (1 - (most ?? max(found, min(1, gpu.l2.capacity / max(bytes, 1)))))
    }
    let cold = cold(traffic.aBytes, held?.mostOfActivation, traffic.hotA) + cold(traffic.bBytes, held?.mostOfWeight, traffic.hotB)
    return max(traffic.shape.macs / peak, cold / gpu.memory.bandwidth)
  }

  /// The largest part of the main loop over all waves; when the main loop is less than half of the time, what is around it.
  private func limit(_ best: GEMMCandidate, seconds: Double) -> GEMMEstimate.Limit {
    guard best.mainLoop / gpu.boostClock > seconds / 2 else {
      let around = seconds - (best.mainLoop + best.epilogue) / gpu.boostClock
      return best.epilogue / gpu.boostClock > around ? .store : .launch
    }
    let parts: [(GEMMEstimate.Limit, Double)] = [
      (.issue, best.total(\.issue)), (.sharedMemory, best.total(\.feed)), (.l2, best.total(\.l2)), (.deviceMemory, best.total(\.memory)),
      (.latency, best.total(\.latency)),
    ]
    return parts.max { $0.1 < $1.1 }?.0 ?? .issue
  }
}

extension GEMMPath {
  /// Parts a reduction may be cut into on this path.
  fileprivate var splits: [Int] {
    (serialSplit > 0 ? Self.anySplit : Self.usualSplits).filter { $0 <= splitLimit }
  }

  private static let anySplit = Array(1...32)
  /// The grid the model searches, no property of a library: every split up to six, then steps of a third at most, to keep an
  /// estimate near ten microseconds.
  private static let usualSplits = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32]
}

extension GEMMShape {
  /// The product a library timed when it chose the kernel for this one: rows rounded up to a power of two, and the same
  /// operands again and again.
  fileprivate func asTimed(upTo most: Int) -> GEMMShape {
    var timed = self
    timed.m = 1
    while timed.m < m, timed.m < most { timed.m *= 2 }
    let scale = Double(timed.m) / Double(m)
    timed.activationBytes = activationBytes.map { $0 * scale }
    timed.storedBytes = storedBytes.map { $0 * scale }
    timed.epilogueBytes *= scale
    timed.weightReuseBytes = 0
    timed.residency = nil
    return timed
  }
}
