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
  let skew: Skew
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
    skew = gpu.memory.skew.scaled(by: clock)
    splitReduction = gpu.gemm.splitReduction * clock
  }
}
