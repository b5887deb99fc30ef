extension BlockArray {
  /// Cycles of one operation on the array and its output stage, with operands streaming from `place`.
  ///
  /// Blocks pass through a pipeline of read, multiply, output and write. The multiplier is busy for the sum over all blocks
  /// (the last ones smaller) of `max(multiply, output)`; the first read, the last output and the last write stand alone:
  ///
  /// `Σ max(multiply, output) + max(min(multiply, output) + latency, (transfer + output + multiply)/4) + transfer`
  ///
  /// The quarter is the share of one of four blocks in flight (Arm Vela's performance model, Apache-2.0).
  package func cost(
    of query: Query, _ configuration: Configuration, _ place: BlockPlacement, cyclesPerOutput: Double
  ) -> ArrayCost {
    let latency = place.input.readLatency + place.output.writeLatency
    let transfer = blockTransferCycles(query, configuration, place)
    if query.isElementwise {
      return elementwiseCost(query, configuration, place, cyclesPerOutput, transfer + latency)
    }
    if case .split = buffers { return splitCost(of: query, configuration, place, cyclesPerOutput) }
    var micro = configuration.micro.shape
    var block = query.output.clipped(to: configuration.output)
    let isProduct = query.mode == .convolution || query.mode == .product
    if isProduct, micro.height == 2, query.output.height == 1, query.output.width % 2 == 0, query.shape.kernelHeight == 1 {
      micro = Block(1, 4, micro.depth)
      block.height = 1
    }
    let multiply = multiplyCycles(block, micro: micro, query, configuration)
    let bias = place.constants.map { 10 * block.depth * $0.readLatency / 256 } ?? 0
    let output = max(Int(cyclesPerOutput * Double(block.volume)), bias)
    var busy = 0
    var multiplying = 0
    for (height, rows) in parts(of: query.output.height, by: block.height) {
      for (width, columns) in parts(of: query.output.width, by: block.width) {
        for (depth, slices) in parts(of: query.output.depth, by: block.depth) {
          let piece = Block(height, width, depth)
          let count = rows * columns * slices
          let cycles = multiplyCycles(piece, micro: micro, query, configuration)
          multiplying += count * cycles
          busy += count * max(cycles, Int(cyclesPerOutput * Double(piece.volume)))
        }
      }
    }
    let tail = max(min(multiply, output) + latency, (transfer + output + multiply) / 4) + transfer
    return ArrayCost(streaming: multiplying, fillDrain: tail, outputStage: busy - multiplying)
  }

  private func elementwiseCost(
    _ query: Query, _ configuration: Configuration, _ place: BlockPlacement, _ cyclesPerOutput: Double, _ transfer: Int
  ) -> ArrayCost {
    let elements = query.output.area * place.outputLayout.storedDepth(query.output.depth)
    let perBlock = Double(configuration.output.volume)
    let command = (Double(transfer) + cyclesPerOutput * perBlock) / 4
    let blocks = max(1, Double(elements) / perBlock)
    let cycles = Int(max(cyclesPerOutput * Double(elements), blocks * command))
    return ArrayCost(streaming: 0, outputStage: cycles)
  }

  /// `⌊extent/size⌋` whole parts and the rest.
  private func parts(of extent: Int, by size: Int) -> [(size: Int, count: Int)] {
    let (whole, rest) = extent.quotientAndRemainder(dividingBy: max(size, 1))
    return (whole > 0 ? [(size, whole)] : []) + (rest > 0 ? [(rest, 1)] : [])
  }

  /// Multiplier cycles of one block of outputs over all its input channels and kernel positions.
  func multiplyCycles(_ block: Block, micro: Block, _ query: Query, _ configuration: Configuration) -> Int {
    let across = ceilDivide(block.height, micro.height) * ceilDivide(block.width, micro.width)
    let deep = ceilDivide(block.depth, micro.depth)
    let channels = min(query.shape.inputChannels, configuration.input.depth)
    let limit = query.mode == .product ? 1 : kernelLimit
    var total = 0
    for x in stride(from: 0, to: query.shape.kernelWidth, by: limit) {
      for y in stride(from: 0, to: query.shape.kernelHeight, by: limit) {
        let taps = min(query.shape.kernelHeight - y, limit) * min(query.shape.kernelWidth - x, limit)
        total += passCycles(taps: taps, across: across, deep: deep, channels: channels, query, configuration)
      }
    }
    if !query.keepsDepth { total *= ceilDivide(query.shape.inputChannels, channels) }
    return total / cores
  }

  /// Cycles of one micro-block over one slice of channels at one kernel position.
  ///
  /// Split buffers feed only the channels there are; a banked one feeds its 32 in four cycles in any case.
  private func depthStep(_ channels: Int, _ query: Query) -> Int {
    guard case .split = buffers else { return 4 }
    return max(1, channels / 8) * query.inputBits / 8
  }

  /// Cycles of one pass of up to `kernelLimit²` kernel positions over one block and one slice of channels.
  private func passCycles(
    taps: Int, across: Int, deep: Int, channels: Int, _ query: Query, _ configuration: Configuration
  ) -> Int {
    // A decoder needs four cycles per output channel for the 32 weights of a step.
    let micro = configuration.micro.shape
    let weightCycles = 4 * micro.depth / weightDecoders
    let isPartKernel = query.mode == .convolution && configuration.isPartKernel
    let slices = isPartKernel ? ceilDivide(channels, 8) : 1
    let steps: Int
    let cycles: Int
    switch query.mode {
    case .pooling, .elementwise:
      steps = 1
      let width = micro.depth >= 8 ? query.inputBits / 2 : 1
      cycles = max(4, taps) * across * deep * width
    case .depthwise:
      steps = ceilDivide(taps, 4)
      cycles = max(weightCycles, 4 * across * query.inputBits / 8) * steps * deep
    case .convolution where isPartKernel:
      steps = ceilDivide(taps, query.inputBits == 16 ? 2 : 4)
      cycles = max(weightCycles, 4 * across) * steps * deep * slices
    case .convolution, .product, .channelSum:
      steps = taps
      cycles = max(weightCycles, depthStep(channels, query) * across) * steps * deep
    }
    guard across == 1 else { return cycles }
    let delay = configuration.hasWideAccumulators ? restartDelayWide : restartDelay
    let restarts = deep == 1 ? steps : (steps - 1) * deep
    return cycles + delay * restarts * slices
  }
}
