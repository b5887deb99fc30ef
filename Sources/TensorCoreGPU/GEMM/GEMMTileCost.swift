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
    let operands = TileOperands(tile, path, encoding)
    (m, n, stepK, aBytes, bBytes) = (operands.m, operands.n, operands.stepK, operands.aBytes, operands.bBytes)
    let most = ((gpu.sm.sharedMemory - gpu.sm.reservedSharedMemory) / operands.held).rounded(.down)
    guard most >= 2 else { return nil }
    var tile = tile
    tile.stages = min(tile.stages, Int(most))
    self.tile = tile
    perSM = operands.blocksPerSM(stages: tile.stages, on: gpu)
    slots = perSM * Double(gpu.smCount)

    let step = path.instruction.feed.isWarpLevel ? operands.warpStep : operands.groupStep
    issue = step.multiplyAdds / (path.instruction.rate * path.issueEfficiency * tile.issueShare)
    sharedBytes = step.sharedBytes
    feed = sharedBytes / gpu.sm.sharedMemoryBandwidth
    l2Bytes = operands.l2Bytes
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
