/// The time of one candidate kernel at one split of the reduction axis: waves of thread blocks over the SMs.
///
/// clocks = fill + Σ over waves max(steps · step + epilogue, device memory for all the wave reads and writes) + skew + reduction, with
/// step the eighth-power norm of issue, shared-memory feed, L2, device memory and latency: their maximum, smoothed because limits
/// interfere slightly when they are close.
struct GEMMCandidate {
  let cost: GEMMTileCost
  let grid: GEMMGrid
  let full: GEMMWave
  let last: GEMMWave
  let fill: Double
  let mainLoop: Double
  let epilogue: Double
  let skew: Double
  let reduction: Double
  let memoryBytes: Double
  let clocks: Double

  init(_ cost: GEMMTileCost, _ grid: GEMMGrid, _ traffic: GEMMTraffic, on machine: GEMMMachine) {
    (self.cost, self.grid) = (cost, grid)
    let waves = GEMMWaves(cost, grid, traffic, on: machine)
    (full, last) = (waves.full, waves.last)
    // Of all but the last wave, a neighbour on the SM or a loader warp hides a share of fill and epilogue.
    let shown = 1 - cost.overlap
    fill = machine.fill * (1 + grid.fullWaves * shown)
    mainLoop = grid.fullWaves * full.steps + last.steps
    epilogue = grid.fullWaves * (shown * full.epilogue + full.wait) + last.epilogue + last.wait
    let memory = grid.fullWaves * full.memory + last.memory
    memoryBytes = memory * machine.memoryBytesPerClock
    skew = machine.skew.time(memory)
    reduction = waves.reduction
    clocks = fill + mainLoop + epilogue + skew + reduction
  }

  /// A part of all waves together.
  func total(_ part: KeyPath<GEMMWave, Double>) -> Double { grid.fullWaves * full[keyPath: part] + last[keyPath: part] }
}
