internal import Basic
internal import Results

/// Time of kernels that stream: bandwidth of the level that holds the data, the chain of latencies of a row, instruction issue.
package struct StreamingModel: Sendable {
  package var device: DeviceRates
  package var software: StreamingSoftware

  package init(device: DeviceRates, software: StreamingSoftware) {
    self.device = device
    self.software = software
  }

  package init(_ gpu: GPUDescription, _ software: StreamingSoftware) {
    self.init(device: DeviceRates(gpu, software), software: software)
  }

  /// Time of `work` started as `mode` says.
  package func estimate(_ work: StreamingWork, mode: LaunchMode) -> KernelEstimate {
    let body = body(of: work, isWarm: mode.isWarm)
    var seconds = software.kernelLatency + body.seconds
    var bound = body.seconds > software.kernelLatency ? body.bound : .launch
    if case .eager(let operation) = mode, let host = software.host[operation] {
      if host.total > host.toKernel + seconds { bound = .host }
      seconds = host.seconds(kernel: seconds)
    }
    let floor = max(work.bytes / max(device.memoryRate, device.cacheRate), issueSeconds(work, peak: true))
    return KernelEstimate(
      seconds: seconds, floorSeconds: floor, bound: bound,
      reason: Self.reason(bound, work: work, body: body, device: device), choice: work.walk.label,
      memoryBytes: body.memoryBytes)
  }

  private func body(of work: StreamingWork, isWarm: Bool) -> Body {
    switch work.walk {
    case .elements: elements(work, isWarm)
    case .scalarRows(let passes): scalarRows(work, passes: passes, isWarm)
    case .softmaxRows: softmaxRows(work, isWarm)
    case .momentRows: momentRows(work, isWarm)
    case .warpRows: warpRows(work, isWarm)
    case .wholeReduction: wholeReduction(work)
    }
  }

  /// max(bytes / rate, instructions / issue rate): wide loads keep enough bytes in flight for either.
  private func elements(_ work: StreamingWork, _ isWarm: Bool) -> Body {
    stream(work.bytes, work, isWarm).atLeast(issueSeconds(work, peak: false), .compute)
  }

  /// Narrow loads leave the bus idle while a row's chain of loads is under way: the two times add.
  private func scalarRows(_ work: StreamingWork, passes: Int, _ isWarm: Bool) -> Body {
    let threads = Self.scalarRowThreads
    let steps = Double((work.columns + threads - 1) / threads)
    let step = passes > 1 ? twoPassStep(work) : software.scalarStep
    let chain = device.seconds(software.scalarRowStart + steps * step)
    let waves = waves(work.rows, blocksPerSM: max(1, device.threadsPerSM / threads))
    var body = stream(work.bytes, work, isWarm)
    if waves * chain > body.seconds { body.bound = .feed }
    body.seconds += waves * chain
    return body
  }

  /// Each load waits for the sum before it: for the L2, or for device memory as far as the working set outgrows the L2.
  private func twoPassStep(_ work: StreamingWork) -> Double {
    let held = software.twoPassHeld * device.cacheCapacity
    let lost = max(held + 1, software.twoPassLost * device.cacheCapacity)
    let missed = min(1, max(0, (work.bytes - held) / (lost - held)))
    return software.scalarTwoPassStep + missed * (software.coldTwoPassStep - software.scalarTwoPassStep)
  }

  /// A block has the power of two of threads at least half of which have a 16-byte vector; the rest of the row goes one by one.
  ///
  /// Three passes of `steps` loads each with two reductions between; shorter rows fit the registers of a warp.
  private func softmaxRows(_ work: StreamingWork, _ isWarm: Bool) -> Body {
    guard work.columns > Self.warpSoftmaxColumns else { return stream(work.bytes, work, isWarm) }
    let vector = Self.softmaxVector
    let most = min(work.columns / vector, Self.softmaxThreads)
    var threads = Self.warp
    while threads < most / 2 + most % 2 { threads *= 2 }
    let wide = work.columns / (vector * threads)
    let rest = work.columns - wide * vector * threads
    let steps = wide + (rest + threads - 1) / threads + (work.columns % vector == 0 ? 0 : 1)
    let blocks = max(1, device.threadsPerSM / threads)
    let chain = device.seconds(software.softmaxRow + 3 * Double(steps) * software.softmaxStep)
    let waves = max(1, Double(work.rows) / Double(device.smCount * blocks))
    let again = 2 * missShare(work, blocksPerSM: blocks) * work.bytesRead
    return stream(work.bytes + again, work, isWarm).atLeast(waves * chain, .feed)
  }

  /// Moments are updated element by element and merged between threads: instructions bind short rows, bytes long ones.
  private func momentRows(_ work: StreamingWork, _ isWarm: Bool) -> Body {
    let blocks = max(1, device.threadsPerSM / Self.momentThreads)
    let rowsPerSM = Double((work.rows + device.smCount - 1) / device.smCount)
    let issue = rowsPerSM * device.seconds(software.momentRow + software.momentElement * Double(work.columns))
    let again = missShare(work, blocksPerSM: blocks) * work.bytesRead
    var body = stream(work.bytes + again, work, isWarm).atLeast(issue, .compute)
    body.seconds += device.seconds(software.momentStart)
    return body
  }

  /// Read once; two sums over the lanes, of an exchange and an addition for each halving, beside the instructions per element.
  private func warpRows(_ work: StreamingWork, _ isWarm: Bool) -> Body {
    let perRow = 2 * 2 * Double(Self.warp.trailingZeroBitCount * Self.warp)
    let exchanges = Double(work.rows) * perRow / (Double(device.smCount) * device.issueLanes * device.clock)
    return stream(work.bytes, work, isWarm).atLeast(issueSeconds(work, peak: false) + exchanges, .compute)
  }

  /// One scalar load per thread is in flight: 2048 threads × element bytes per round trip and SM.
  private func wholeReduction(_ work: StreamingWork) -> Body {
    let perRoundTrip = Double(device.smCount * device.threadsPerSM * work.elementBytes)
    let feed = work.bytesRead / perRoundTrip * device.seconds(software.accumulateStep)
    let body = stream(work.bytes, work, true).atLeast(feed, .feed)
    return Body(
      seconds: body.seconds + software.wholeReductionLaunches - software.kernelLatency, bound: body.bound,
      memoryBytes: body.memoryBytes)
  }

  /// A working set that stays in the L2 between two runs streams from there; else only what was just written does.
  private func stream(_ bytes: Double, _ work: StreamingWork, _ isWarm: Bool) -> Body {
    let held = device.cacheCapacity * software.residentShare
    guard isWarm, work.bytes <= held else {
      let hot = isWarm ? min(work.hotBytes, held) : 0
      let cold = (bytes - hot) / (device.memoryRate * software.memoryEfficiency)
      return Body(seconds: cold + hot / device.cacheRate, bound: .memory, memoryBytes: bytes - hot)
    }
    return Body(seconds: bytes / device.cacheRate, bound: .cache, memoryBytes: 0)
  }

  private func issueSeconds(_ work: StreamingWork, peak: Bool) -> Double {
    let instructions = work.simple + work.special * (peak ? 1 : software.specialInstructions)
    return work.elements * instructions / (Double(device.smCount) * device.issueLanes * device.clock)
  }

  /// Waves of blocks over the chip, one at least.
  private func waves(_ blocks: Int, blocksPerSM: Int) -> Double {
    max(1, Waves.time(Double(blocks) / Double(device.smCount * blocksPerSM), whole: software.wholeWaves))
  }

  /// Share of a row's second reading that has left the L2, by the rows that all resident blocks hold open.
  private func missShare(_ work: StreamingWork, blocksPerSM: Int) -> Double {
    let open = Double(min(work.rows, device.smCount * blocksPerSM) * work.columns * work.elementBytes)
    return min(1, open / (device.cacheCapacity * software.rowShare))
  }
}

/// How the kernels that were measured lay threads over rows: their published code, the same on every GPU.
extension StreamingModel {
  /// Lanes of a warp.
  private static let warp = 32
  /// Threads of a row in vLLM's norms and gated activations (`csrc/layernorm_kernels.cu`: `min(hidden_size, 1024)`).
  private static let scalarRowThreads = 1024
  /// Threads of a row in PyTorch's layer norm (`layer_norm_kernel.cu`: `num_threads()`).
  private static let momentThreads = 128
  /// Most threads of a row in PyTorch's softmax, and elements of its 16-byte vectors in fp32, which all measured rows are
  /// (`SoftMax.cu`, `PersistentSoftmax.cuh`: `SoftMax_getBlockSize`); rows up to `warpSoftmaxColumns` take one warp.
  private static let softmaxThreads = 1024
  private static let softmaxVector = 4
  private static let warpSoftmaxColumns = 1024
}

/// The part of a kernel between its start and its end.
private struct Body {
  var seconds: Double
  var bound: Bound
  var memoryBytes: Double

  func atLeast(_ other: Double, _ otherBound: Bound) -> Body {
    other > seconds ? Body(seconds: other, bound: otherBound, memoryBytes: memoryBytes) : self
  }
}

extension StreamingWork.Walk {
  package var label: String {
    switch self {
    case .elements: "wide loads"
    case .scalarRows: "block per row, scalar loads"
    case .softmaxRows: "block per row, three passes"
    case .momentRows: "four warps per row, two passes"
    case .warpRows: "one warp per row, one pass"
    case .wholeReduction: "grid reduction"
    }
  }
}

extension StreamingModel {
  fileprivate static func reason(_ bound: Bound, work: StreamingWork, body: Body, device: DeviceRates) -> String {
    let bytes = Format.bytes(work.bytes)
    switch bound {
    case .launch, .host: return "\(bytes) take less time than starting the kernel"
    case .cache: return "\(bytes) from the L2 at \(Format.bytes(work.bytes / body.seconds))/s"
    case .memory: return "\(bytes) from device memory at \(Format.bytes(work.bytes / body.seconds))/s"
    case .feed: return "a row's chain of loads and reductions, not its \(bytes), takes the time"
    case .compute, .link, .dependency, .quantization, .reduction: return "instructions per element take longer than moving \(bytes)"
    }
  }
}
