internal import IR

extension GEMMModel {
  /// What is left when no tile fits.
  func plainVector(_ shape: GEMMShape) -> VectorKernel { VectorKernel(rows: shape.m, chain: 0, slots: gpu.gemm.vectorSlots) }

  /// A matrix-vector kernel: fill + √(stream² + chain²) + epilogue, all SMs alike.
  func vectorEstimate(_ traffic: GEMMTraffic, _ path: GEMMPath, _ kernel: VectorKernel) -> GEMMEstimate {
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
