extension BlockArray {
  /// Cycles of one operation on the array and its output stage, with operands streaming from `place`.
  ///
  /// Multiplying a block of outputs overlaps the output stage of the block before. Both wait for the commands of a block,
  /// which are issued at most every quarter of its life. With `B` blocks, counted in micro-blocks:
  ///
  /// `B · max(multiply, output, command) + the other one once + first read + last write`
  ///
  /// The form is that of Arm Vela's performance model (Apache-2.0).
  package func cost(
    of query: Query, _ configuration: Configuration, _ place: BlockPlacement, cyclesPerOutput: Double
  ) -> ArrayCost {
    let (read, write) = blockTransfers(query, configuration, place)
    if query.isElementwise { return elementwiseCost(query, configuration, place, cyclesPerOutput, read, write) }
    let (block, micro) = workedBlock(query, configuration)
    func microBlocks(_ extent: Block) -> Int {
      ceilDivide(extent.height, micro.height) * ceilDivide(extent.width, micro.width) * ceilDivide(extent.depth, micro.depth)
    }
    let blocks = Double(microBlocks(query.output)) / Double(max(1, microBlocks(block)))
    let bias = place.constants.map { Double(10 * block.depth * $0.readLatency) / 256 } ?? 0
    let output = max((cyclesPerOutput * Double(block.volume)).rounded(.up), query.readsWeights ? bias : 0)
    let multiply = Double(multiplyCycles(block, micro: micro, query, configuration))
    let command = (Double(blocks > 1 ? abs(read - write) : 0) + multiply + output) / 4
    let (longMultiply, longOutput) = (max(multiply, command), max(output, command))
    let total = max(longMultiply, longOutput) * blocks + min(longMultiply, longOutput)
    let streaming = Int(multiply * blocks)
    let stage = max(0, Int((longOutput - longMultiply) * blocks))
    let rest = Int(total) + read + write - streaming - stage
    return ArrayCost(streaming: streaming, fillDrain: max(0, rest), outputStage: stage)
  }

  /// The block as it is worked on: one row of outputs uses a two-row micro-block as a row of four.
  private func workedBlock(_ query: Query, _ configuration: Configuration) -> (block: Block, micro: Block) {
    var block = query.output.clipped(to: configuration.output)
    let micro = configuration.micro.shape
    let isProduct = query.mode == .convolution || query.mode == .product
    guard isProduct, micro.height == 2, query.output.height == 1, query.output.width % 2 == 0, query.shape.kernelHeight == 1 else {
      return (block, micro)
    }
    block.height = 1
    return (block, Block(1, 4, micro.depth))
  }

  private func elementwiseCost(
    _ query: Query, _ configuration: Configuration, _ place: BlockPlacement, _ cyclesPerOutput: Double, _ read: Int, _ write: Int
  ) -> ArrayCost {
    let elements = Double(query.output.area * place.outputLayout.storedDepth(query.output.depth))
    let perBlock = Double(configuration.output.volume)
    switch buffers {
    case .banked:
      let command = (Double(read + write) + cyclesPerOutput * perBlock) / 4
      let cycles = Int(max(cyclesPerOutput * elements, max(1, elements / perBlock) * command))
      return ArrayCost(streaming: 0, outputStage: cycles)
    case .split:
      let command = (Double(max(read, write)) / perBlock + cyclesPerOutput) / 4
      return ArrayCost(streaming: 0, outputStage: Int((elements * max(command, cyclesPerOutput)).rounded(.up)))
    }
  }

  /// Multiplier cycles of one block of outputs over all its input channels and kernel positions.
  private func multiplyCycles(_ block: Block, micro: Block, _ query: Query, _ configuration: Configuration) -> Int {
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
