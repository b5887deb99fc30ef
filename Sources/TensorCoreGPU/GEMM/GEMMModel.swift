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
  private let machine: GEMMMachine

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
    return estimate(GEMMCandidate(kernel.cost, split: kernel.split, traffic: traffic, on: machine), traffic, path)
  }

  /// The candidate kernel with the least clocks; nil when no tile fits the machine.
  private func fastest(_ traffic: GEMMTraffic, _ path: GEMMPath) -> GEMMCandidate? {
    var best: GEMMCandidate?
    for tile in traffic.shape.batch > 1 ? path.batchedTiles : path.tiles {
      guard let cost = GEMMTileCost(tile, path: path, encoding: traffic.encoding, on: gpu) else { continue }
      for split in path.splits where isOffered(split, cost, traffic) {
        guard leastClocks(split, cost, traffic) < best?.clocks ?? .infinity else { continue }
        let candidate = GEMMCandidate(cost, split: Double(split), traffic: traffic, on: machine)
        if candidate.clocks < best?.clocks ?? .infinity { best = candidate }
      }
    }
    return best
  }

  private func traffic(_ shape: GEMMShape, _ path: GEMMPath) -> GEMMTraffic {
    GEMMTraffic(shape, encoding: OperandBytes(shape, path), on: gpu)
  }

  /// What is left when no tile fits.
  private func plainVector(_ shape: GEMMShape) -> VectorKernel { VectorKernel(rows: shape.m, chain: 0, slots: gpu.gemm.vectorSlots) }

  /// A bound no candidate undercuts: all issue work spread over the SMs, or one block's steps in sequence.
  private func leastClocks(_ split: Int, _ cost: GEMMTileCost, _ traffic: GEMMTraffic) -> Double {
    let tiles = (traffic.m / cost.m).rounded(.up) * (traffic.n / cost.n).rounded(.up) * Double(traffic.shape.batch)
    let steps = (traffic.k / cost.stepK).rounded(.up)
    let perSplit = (steps / Double(split)).rounded(.up)
    return max(tiles * steps * cost.issue / machine.smCount, perSplit * max(cost.issue, cost.latency)) + machine.fill
  }

  /// Splits the library tries: parts that add up in turn only have to be whole steps of equal number. Otherwise it does not
  /// split a reduction below `split-bytes` per row, nor beyond the path's share of the machine.
  private func isOffered(_ split: Int, _ cost: GEMMTileCost, _ traffic: GEMMTraffic) -> Bool {
    guard split > 1 else { return true }
    if cost.serialSplit > 0 { return traffic.k.truncatingRemainder(dividingBy: Double(split) * cost.stepK) == 0 }
    let steps = (traffic.k / cost.stepK).rounded(.up)
    let perSplit = (steps / Double(split)).rounded(.up)
    let tiles = (traffic.m / cost.m).rounded(.up) * (traffic.n / cost.n).rounded(.up) * Double(traffic.shape.batch)
    return perSplit * Double(cost.tile.stepBytes) >= gpu.gemm.splitBytes && tiles * Double(split) <= cost.splitWaves * cost.slots
  }

  private func estimate(_ best: GEMMCandidate, _ traffic: GEMMTraffic, _ path: GEMMPath) -> GEMMEstimate {
    let boost = gpu.boostClock
    let tile = best.cost.tile
    let covered =
      (traffic.m / best.cost.m).rounded(.up) * best.cost.m * (traffic.n / best.cost.n).rounded(.up) * best.cost.n
    let macs = covered * traffic.k * Double(traffic.shape.batch)
    let work = macs * path.instruction.energy + best.memoryBytes * gpu.memory.energyPerByte
    let share = gpu.power.feltShare(work: work, seconds: best.clocks / boost, boost: boost)
    let clock = boost * share
    let preludeSeconds = prelude(traffic, path)
    let waves = best.fill + best.mainLoop + best.epilogue
    let blocks =
      switch fidelity {
      case .fast: waves
      case .event: BlockSchedule(candidate: best).clocks(fill: machine.fill)
      }
    let mainLoop = best.mainLoop + blocks - waves
    let seconds = gpu.launch.graph + preludeSeconds + (best.clocks + blocks - waves) / clock
    let steps = (traffic.k / best.cost.stepK).rounded(.up)
    return GEMMEstimate(
      seconds: seconds, floorSeconds: floor(traffic, path), limit: limit(best, seconds: seconds), path: path.name,
      tile: tile, split: Int(best.split), blocks: best.blocks, slots: best.cost.slots, launch: gpu.launch.graph,
      prelude: preludeSeconds, fill: best.fill / clock, mainLoop: mainLoop / clock,
      epilogue: best.epilogue / clock, reduction: best.reduction / clock, skew: best.skew / clock, clockShare: share,
      deviceBytes: best.memoryBytes + traffic.drainedBytes, l2Bytes: best.blocks / best.split * steps * best.cost.l2Bytes,
      sharedBytes: best.blocks / best.split * steps * best.cost.sharedBytes,
      energy: work * gpu.power.voltageSquared(share, boost: boost) + traffic.drainedBytes * gpu.memory.energyPerByte
        + gpu.power.idle * seconds)
  }

  /// Kernels that quantise activations before the product: a fixed part and passes over the activations.
  private func prelude(_ traffic: GEMMTraffic, _ path: GEMMPath) -> Double {
    guard traffic.shape.isDynamic || OperandBytes.narrowsActivations(traffic.shape, path) else { return path.lead }
    // A convolution's image is smaller than the matrix it stands for.
    let elements =
      traffic.shape.activationBytes.map { $0 * 8 / Double(traffic.shape.activation.bits) }
      ?? traffic.m * traffic.k * Double(traffic.shape.batch)
    return path.lead + path.prelude + path.preludeBytes * elements / gpu.memory.bandwidth
  }

  /// What no kernel can undercut: every multiply-add at peak rate, or at pin rate the bytes that an L2 does not hold which keeps
  /// the last bytes touched, as many as its whole capacity.
  private func floor(_ traffic: GEMMTraffic, _ path: GEMMPath) -> Double {
    let peak = path.instruction.rate * Double(gpu.smCount) * gpu.boostClock
    let held = traffic.shape.residency
    func cold(_ bytes: Double, _ most: Double?, _ found: Double) -> Double {
      bytes * (1 - (most ?? max(found, min(1, gpu.l2.capacity / max(bytes, 1)))))
    }
    let cold = cold(traffic.aBytes, held?.mostOfActivation, traffic.hotA) + cold(traffic.bBytes, held?.mostOfWeight, traffic.hotB)
    return max(traffic.shape.macs / peak, cold / gpu.memory.bandwidth)
  }

  private func limit(_ best: GEMMCandidate, seconds: Double) -> GEMMEstimate.Limit {
    guard best.mainLoop / gpu.boostClock > seconds / 2 else {
      let around = seconds - (best.mainLoop + best.epilogue) / gpu.boostClock
      return best.epilogue / gpu.boostClock > around ? .store : .launch
    }
    func total(_ part: KeyPath<GEMMCandidate.Wave, Double>) -> Double {
      best.fullWaves * best.full[keyPath: part] + best.last[keyPath: part]
    }
    let parts: [(GEMMEstimate.Limit, Double)] = [
      (.issue, total(\.issue)), (.sharedMemory, total(\.feed)), (.l2, total(\.l2)), (.deviceMemory, total(\.memory)),
      (.latency, total(\.latency)),
    ]
    return parts.max { $0.1 < $1.1 }?.0 ?? .issue
  }

  /// A matrix-vector kernel: fill + √(stream² + chain²) + epilogue, all SMs alike.
  private func vectorEstimate(_ traffic: GEMMTraffic, _ path: GEMMPath, _ kernel: VectorKernel) -> GEMMEstimate {
    let bytes = traffic.aBytes * (1 - traffic.hotA) + traffic.bBytes * (1 - traffic.hotB)
    let memory = bytes / machine.memoryBytesPerClock
    let cache = (traffic.aBytes + traffic.bBytes) / machine.l2BytesPerClock
    let lanes = traffic.shape.activation.bits <= 16 ? max(gpu.sm.fp16Lanes, gpu.sm.fp32Lanes) : gpu.sm.fp32Lanes
    let issue = traffic.shape.macs / (lanes * machine.smCount) * kernel.slots
    let chain = traffic.k * kernel.chain
    let flow = max(memory, cache, issue)
    // Waiting for one's own loads and the stream of all overlap in part.
    let stream = (flow * flow + chain * chain).squareRoot()
    let clocks = machine.fill + stream + machine.epilogue
    let preludeSeconds = prelude(traffic, path)
    let seconds = gpu.launch.graph + preludeSeconds + clocks / gpu.boostClock
    let loop = stream / gpu.boostClock
    return GEMMEstimate(
      seconds: seconds, floorSeconds: min(floor(traffic, path), seconds),
      limit: loop < seconds / 2 ? .launch : (chain >= flow ? .latency : (issue > memory ? .vector : .deviceMemory)),
      path: path.name, tile: nil,
      split: 1, blocks: Double(gpu.smCount), slots: Double(gpu.smCount), launch: gpu.launch.graph,
      prelude: preludeSeconds, fill: machine.fill / gpu.boostClock, mainLoop: loop,
      epilogue: machine.epilogue / gpu.boostClock, reduction: 0, skew: 0,
      clockShare: 1, deviceBytes: bytes + traffic.drainedBytes, l2Bytes: traffic.aBytes + traffic.bBytes, sharedBytes: 0,
      energy: bytes * gpu.memory.energyPerByte + traffic.shape.macs * path.instruction.energy + gpu.power.idle * seconds
    )
  }
}

extension GEMMPath {
  /// Parts a reduction may be cut into on this path.
  fileprivate var splits: [Int] {
    (serialSplit > 0 ? Self.anySplit : Self.usualSplits).filter { $0 <= splitLimit }
  }

  private static let anySplit = Array(1...32)
  /// The grid the model searches, no property of a library: every split up to six, then steps of a quarter at most, to keep an
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

extension OperandBytes {
  /// Bytes per element on a path: weights as stored (2:4 keeps half the values and two bits of position for each), activations
  /// as the product reads them after a prelude has quantised them.
  init(_ shape: GEMMShape, _ path: GEMMPath) {
    // Four-bit formats carry an 8-bit scale for every 16 values.
    func bytes(_ format: ElementType) -> Double {
      Double(format.bits) / 8 + (format.isFloat && format.bits == 4 && shape.isBlockScaled ? 1.0 / 16 : 0)
    }
    activation =
      Self.narrowsActivations(shape, path)
      ? path.operandBytes : bytes(shape.storedOperands?.activation ?? shape.activation)
    var stored = bytes(shape.storedOperands?.weight ?? shape.weight)
    if shape.isSparse { stored = stored / 2 + 0.125 }
    weight = stored
  }

  /// True when a prelude turns 16-bit activations into the instruction's narrower operands.
  static func narrowsActivations(_ shape: GEMMShape, _ path: GEMMPath) -> Bool {
    Double(shape.activation.bits) / 8 >= 2 * path.operandBytes
  }
}
