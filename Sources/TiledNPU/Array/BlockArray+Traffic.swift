/// How a feature map lies in memory.
package enum FeatureMapLayout: Hashable, Sendable {
  /// Rows of pixels with all channels of a pixel together.
  case linear
  /// Sixteen channels of a row of pixels together; the depth is padded to sixteen.
  case bricks

  package func storedDepth(_ depth: Int) -> Int { self == .bricks ? roundUp(depth, to: 16) : depth }
}

/// Where the operands of one operation are and how they lie there.
package struct BlockPlacement: Hashable, Sendable {
  package var input: MemoryLevel
  package var output: MemoryLevel
  package var inputLayout: FeatureMapLayout
  package var outputLayout: FeatureMapLayout
  /// Where the array reads scales and biases; nil for operations without weights.
  package var constants: MemoryLevel?

  package init(
    input: MemoryLevel, output: MemoryLevel, inputLayout: FeatureMapLayout, outputLayout: FeatureMapLayout,
    constants: MemoryLevel?
  ) {
    self.input = input
    self.output = output
    self.inputLayout = inputLayout
    self.outputLayout = outputLayout
    self.constants = constants
  }
}

/// Bytes one operation moves, as the memory sees them: bursts and padding included.
package struct BlockTraffic: Hashable, Sendable {
  package var input: Int
  package var secondInput: Int
  package var output: Int
  /// How often every weight is fetched.
  package var weightFetches: Int
}

extension BlockArray {
  /// Bytes moved for one operation.
  ///
  /// Every block of outputs reads its halo of inputs again; weights are read once per block across the plane.
  package func traffic(_ query: Query, _ configuration: Configuration, _ place: BlockPlacement) -> BlockTraffic {
    let counts = elementTraffic(query, configuration, place)
    return BlockTraffic(
      input: readBytes(counts.input, query, configuration, place),
      secondInput: readBytes(counts.secondInput, query, configuration, place),
      output: writeBytes(counts.output, query, configuration, place), weightFetches: counts.weightFetches)
  }

  private func elementTraffic(_ query: Query, _ configuration: Configuration, _ place: BlockPlacement) -> BlockTraffic {
    let written = query.output.area * place.outputLayout.storedDepth(query.output.depth)
    if case .elementwise(let operands, let broadcastsScalar) = query.mode {
      let read = query.output.area * place.inputLayout.storedDepth(query.output.depth)
      let second = operands < 2 ? 0 : broadcastsScalar ? (query.inputBits > 8 ? 1 : 0) : read
      return BlockTraffic(input: read, secondInput: second, output: written, weightFetches: 1)
    }
    let input = query.input.clipped(to: configuration.input)
    let block = query.output.clipped(to: configuration.output)
    let across = ceilDivide(query.output.height, block.height) * ceilDivide(query.output.width, block.width)
    let deep = query.mode == .depthwise || query.mode == .pooling ? 1 : ceilDivide(query.output.depth, block.depth)
    let limit = query.mode == .product ? 1 : kernelLimit
    let passes = ceilDivide(query.shape.kernelHeight, limit) * ceilDivide(query.shape.kernelWidth, limit)
    let read = input.area * place.inputLayout.storedDepth(query.input.depth) * passes * across * deep
    return BlockTraffic(input: read, secondInput: 0, output: written, weightFetches: across)
  }

  func readBytes(_ elements: Int, _ query: Query, _ configuration: Configuration, _ place: BlockPlacement) -> Int {
    guard elements > 0 else { return 0 }
    let bits = query.inputBits
    let block = configuration.input
    let piece: Int
    switch place.inputLayout {
    case .bricks:
      let plane = query.input.width * 16 * bits / 8
      piece = (plane == block.depth ? block.width * block.depth : 16 * block.width) * bits / 8
    case .linear:
      let pixel = query.input.depth * bits / 8
      piece = (pixel == block.depth ? block.width * block.depth : block.depth) * bits / 8
    }
    return place.input.burstBytes(elements * bits / 8, piece: piece)
  }

  func writeBytes(_ elements: Int, _ query: Query, _ configuration: Configuration, _ place: BlockPlacement) -> Int {
    guard elements > 0 else { return 0 }
    let bits = query.outputBits
    let block = configuration.output
    let piece: Int
    switch place.outputLayout {
    case .bricks:
      let plane = query.output.width * 16 * bits / 8
      piece = (plane == block.depth ? block.width * block.depth : 16 * block.width * cores) * bits / 8
    case .linear:
      let pixel = query.output.depth * bits / 8
      let whole = block.depth <= 16 && pixel == block.depth
      piece = whole ? block.width * block.depth * bits / 8 : min(64, 2 * bits * cores, block.depth * bits / 8)
    }
    return place.output.burstBytes(elements * bits / 8, piece: piece)
  }

  /// Cycles to bring in one input block, and to take out one output block, latency included.
  func blockTransfers(_ query: Query, _ configuration: Configuration, _ place: BlockPlacement) -> (read: Int, write: Int) {
    let input = query.input.clipped(to: configuration.input).volume
    let output = query.output.clipped(to: configuration.output).volume
    let read = place.input.readLatency + place.input.cycles(for: readBytes(input, query, configuration, place))
    let write = place.output.writeLatency + place.output.cycles(for: writeBytes(output, query, configuration, place))
    return (read, write)
  }
}
