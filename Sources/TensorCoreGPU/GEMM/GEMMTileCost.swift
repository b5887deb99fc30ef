/// What one candidate kernel costs per main-loop step on one machine: everything that does not depend on the shape.
///
/// All times in clocks at boost frequency.
struct GEMMTileCost: Sendable {
  let tile: GEMMTile
  let m: Double
  let n: Double
  /// Elements of the reduction axis per main-loop step.
  let stepK: Double
  /// Thread blocks one SM holds, from shared memory, registers and threads.
  let perSM: Double
  let slots: Double
  /// Clocks of matrix instructions per block and step.
  let issue: Double
  /// Clocks of shared-memory traffic per block and step.
  let feed: Double
  let sharedBytes: Double
  /// Bytes a block asks the L2 for per step, multicast counted once.
  let l2Bytes: Double
  /// Bytes of A and of B one block needs per step.
  let aBytes: Double
  let bBytes: Double
  /// Clocks per step when only the pipeline depth hides the memory's latency.
  let latency: Double
  let overlap: Double
  /// Share of the slots up to which a split grid may fill them.
  let splitWaves: Double
  /// Clocks a split costs when its parts add up in turn; 0 when a kernel of their own adds them.
  let serialSplit: Double
  /// Largest share of the issue rate lost to rows far apart, and the row length in elements that loses half of it.
  private let strideLoss: Double
  private let strideReach: Double

  /// Nil when two stages of the tile do not fit the machine's shared memory.
  init?(_ tile: GEMMTile, path: GEMMPath, encoding: OperandBytes, on gpu: GPUDescription) {
    m = Double(tile.m)
    n = Double(tile.n)
    stepK = Double(tile.stepBytes) / path.operandBytes
    aBytes = m * encoding.activation * stepK
    bBytes = n * encoding.weight * stepK
    let chunk = aBytes + bBytes
    let warps = Double(tile.warpsM * tile.warpsN)
    let loaders = Double(tile.loaderWarps)
    let accumulators = path.instruction.feed == .tensorMemory ? 0 : m * n / (warps * 32)
    let registers = (accumulators + gpu.gemm.workingRegisters) * warps * 32 + loaders * 32 * gpu.gemm.loaderRegisters
    // A pair of SMs multiplies its rows with the same columns; each loads and keeps half of them.
    let isPair = path.instruction.feed == .tensorMemory && tile.cluster == 2
    let held = isPair ? chunk - (tile.warpsM >= tile.warpsN ? bBytes : aBytes) / 2 : chunk
    let most = ((gpu.sm.sharedMemory - gpu.sm.reservedSharedMemory) / held).rounded(.down)
    guard most >= 2 else { return nil }
    var tile = tile
    tile.stages = min(tile.stages, Int(most))
    self.tile = tile
    let shared = held * Double(tile.stages) + gpu.sm.reservedSharedMemory
    let fitting = min(
      (gpu.sm.sharedMemory / shared).rounded(.down), (gpu.sm.registers / registers).rounded(.down),
      (gpu.sm.threads / ((warps + loaders) * 32)).rounded(.down), gpu.sm.blocks, gpu.gemm.residentBlocks)
    perSM = max(1, fitting)
    slots = perSM * Double(gpu.smCount)

    let rate = path.instruction.rate * path.issueEfficiency * tile.issueShare
    switch path.instruction.feed {
    case .registers, .cores:
      // A warp multiplies its own sub-tile; a matrix instruction is never smaller than 16 × 8.
      let warpM = m / Double(tile.warpsM)
      let warpN = n / Double(tile.warpsN)
      let least = path.instruction.feed == .cores ? (m: 1.0, n: 1.0) : (m: 16.0, n: 8.0)
      let macs = max(warpM, least.m) * Double(tile.warpsM) * max(warpN, least.n) * Double(tile.warpsN) * stepK
      issue = macs / rate
      // Every warp loads its rows of A and columns of B from shared memory; the chunk is written there once.
      sharedBytes = stepK * m * n * (encoding.activation / warpN + encoding.weight / warpM) + chunk
    case .shared, .tensorMemory:
      // The instruction takes 64 rows (128 with tensor memory) along the side that has the warps and reads both operands itself.
      let rows = tile.warpsM >= tile.warpsN ? m : n
      let columns = tile.warpsM >= tile.warpsN ? n : m
      let group = path.instruction.feed == .shared ? 64.0 : 128.0
      let groups = (rows / group).rounded(.up)
      issue = groups * group * max(8, columns) * stepK / rate
      sharedBytes = groups * (group + (isPair ? columns / 2 : columns)) * stepK * path.operandBytes
    }
    feed = sharedBytes / gpu.sm.sharedMemoryBandwidth
    l2Bytes =
      tile.cluster > 1 && !isPair ? chunk - min(aBytes, bBytes) * (1 - 1 / Double(tile.cluster)) : held
    latency = path.latency / Double(tile.stages - 1)
    // A block of a warp-specialised kernel loads ahead during its own epilogue; else only a neighbour on the SM hides it.
    overlap =
      if tile.loaderWarps > 0 { gpu.gemm.overlap } else if perSM == 1 { 0 } else {
        path.overlap ?? gpu.gemm.overlap * (perSM - 1) / perSM
      }
    splitWaves = path.splitWaves
    serialSplit = path.serialSplit * gpu.boostClock
    strideLoss = path.strideLoss
    strideReach = path.strideReach / path.operandBytes
  }

  /// Slowdown of the main loop when the rows of a tile lie `k` elements apart: past a few pages per row, loads wait for
  /// address translation. 1 / (1 − loss · x² / (1 + x²)) with x = k ÷ reach.
  func strideFactor(_ k: Double) -> Double {
    let x = k / strideReach
    return 1 / (1 - strideLoss * x * x / (1 + x * x))
  }
}

/// Bytes per element as stored, metadata and scales included.
struct OperandBytes: Sendable, Hashable {
  var activation: Double
  var weight: Double
}
