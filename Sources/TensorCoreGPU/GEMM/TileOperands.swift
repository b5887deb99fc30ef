/// One tile on one path: the bytes of its operands, the blocks an SM holds of it and what its instructions do per main-loop step.
struct TileOperands {
  /// Multiply-adds that instructions carry out in a step, edges of whole instructions included, and bytes through shared memory.
  struct Step {
    var multiplyAdds: Double
    var sharedBytes: Double
  }

  let m: Double
  let n: Double
  /// Elements of the reduction axis per step.
  let stepK: Double
  /// Bytes of A and of B one block needs per step.
  let aBytes: Double
  let bBytes: Double
  /// Bytes of a step that one SM loads and keeps.
  let held: Double
  private let tile: GEMMTile
  private let path: GEMMPath
  private let encoding: OperandBytes
  /// A pair of SMs multiplies its rows with the same columns; each loads and keeps half of them.
  private let isPair: Bool

  init(_ tile: GEMMTile, _ path: GEMMPath, _ encoding: OperandBytes) {
    (self.tile, self.path, self.encoding) = (tile, path, encoding)
    m = Double(tile.m)
    n = Double(tile.n)
    stepK = Double(tile.stepBytes) / path.operandBytes
    aBytes = m * encoding.activation * stepK
    bBytes = n * encoding.weight * stepK
    isPair = path.instruction.feed == .tensorMemory && tile.cluster == 2
    held = isPair ? aBytes + bBytes - (tile.warpsM >= tile.warpsN ? bBytes : aBytes) / 2 : aBytes + bBytes
  }

  /// min(shared memory, registers, threads, blocks) of an SM over those of a block, one at least.
  func blocksPerSM(stages: Int, on gpu: GPUDescription) -> Double {
    let warps = Double(tile.warpsM * tile.warpsN)
    let loaders = Double(tile.loaderWarps)
    let accumulators = path.instruction.feed == .tensorMemory ? 0 : m * n / (warps * 32)
    let registers = (accumulators + gpu.gemm.workingRegisters) * warps * 32 + loaders * 32 * gpu.gemm.loaderRegisters
    let shared = held * Double(stages) + gpu.sm.reservedSharedMemory
    let fitting = min(
      (gpu.sm.sharedMemory / shared).rounded(.down), (gpu.sm.registers / registers).rounded(.down),
      (gpu.sm.threads / ((warps + loaders) * 32)).rounded(.down), gpu.sm.blocks, gpu.gemm.residentBlocks)
    return max(1, fitting)
  }

  /// A warp multiplies its own part of the tile from registers: it loads its rows of A and columns of B from shared memory, where
  /// the chunk is written once.
  var warpStep: Step {
    let warpM = m / Double(tile.warpsM)
    let warpN = n / Double(tile.warpsN)
    let least = path.instruction.feed == .cores ? (m: 1.0, n: 1.0) : Self.leastWarpTile
    return Step(
      multiplyAdds: max(warpM, least.m) * Double(tile.warpsM) * max(warpN, least.n) * Double(tile.warpsN) * stepK,
      sharedBytes: stepK * m * n * (encoding.activation / warpN + encoding.weight / warpM) + (aBytes + bBytes))
  }

  /// The instruction takes its rows along the side that has the warps and reads both operands from shared memory itself.
  var groupStep: Step {
    let rows = tile.warpsM >= tile.warpsN ? m : n
    let columns = tile.warpsM >= tile.warpsN ? n : m
    let group = Double(path.instruction.m)
    let groups = (rows / group).rounded(.up)
    return Step(
      multiplyAdds: groups * group * max(MatrixInstruction.leastColumns, columns) * stepK,
      sharedBytes: groups * (group + (isPair ? columns / 2 : columns)) * stepK * path.operandBytes)
  }

  /// Bytes a block asks the L2 for per step: what a cluster multicasts once, what a pair shares once.
  var l2Bytes: Double {
    tile.cluster > 1 && !isPair ? aBytes + bBytes - min(aBytes, bBytes) * (1 - 1 / Double(tile.cluster)) : held
  }

  /// PTX ISA, `mma.sync`: the tile of one warp's instruction, which older ones of m8n8 fill in pairs.
  private static let leastWarpTile = (m: 16.0, n: 8.0)
}

extension MatrixInstruction {
  /// PTX ISA, `mma.sync`, `wgmma` and `tcgen05.mma`: columns come in eights.
  static let leastColumns = 8.0
}

extension MatrixInstruction.Feed {
  /// Each warp feeds its own instructions, from registers.
  var isWarpLevel: Bool {
    switch self {
    case .registers, .cores: true
    case .shared, .tensorMemory: false
    }
  }
}
