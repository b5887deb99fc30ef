extension BlockArray {
  /// Cycles of one operation on an array with buffers of their own for inputs and accumulators.
  ///
  /// Multiplying a block of outputs overlaps the output stage of the block before. Both wait for the commands of a block,
  /// which are issued at most every quarter of its life. With `B` blocks, counted in micro-blocks:
  ///
  /// `B · max(multiply, output, command) + the other one once + first read + last write`
  func splitCost(
    of query: Query, _ configuration: Configuration, _ place: BlockPlacement, _ cyclesPerOutput: Double
  ) -> ArrayCost {
    let (read, write) = blockTransfers(query, configuration, place)
    if query.isElementwise { return splitElementwiseCost(query, configuration, place, cyclesPerOutput, max(read, write)) }
    let block = query.output.clipped(to: configuration.output)
    let micro = configuration.micro.shape
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

  private func splitElementwiseCost(
    _ query: Query, _ configuration: Configuration, _ place: BlockPlacement, _ cyclesPerOutput: Double, _ transfer: Int
  ) -> ArrayCost {
    let elements = Double(query.output.area * place.outputLayout.storedDepth(query.output.depth))
    let command = (Double(transfer) / Double(configuration.output.volume) + cyclesPerOutput) / 4
    return ArrayCost(streaming: 0, outputStage: Int((elements * max(command, cyclesPerOutput)).rounded(.up)))
  }

  /// Bytes per cycle that one kind of transfer reaches on `memory`: what its buffer has in flight over one latency.
  ///
  /// Four fifths of the requests and of the time are used, as in Arm Vela's performance model (Apache-2.0).
  package func bandwidth(_ channel: Channel, of memory: MemoryLevel) -> Double {
    guard let buffer = readBuffers[channel], memory.readLatency > 0 else { return memory.bytesPerCycle }
    let bursts = min(Double(buffer) / Double(memory.burst), memory.outstandingReads.map { 0.8 * Double($0) } ?? .infinity)
    return min(memory.bytesPerCycle, 0.8 * bursts * Double(memory.burst) / Double(memory.readLatency))
  }
}
