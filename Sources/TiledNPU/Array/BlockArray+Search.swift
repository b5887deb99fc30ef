extension BlockArray {
  /// The block that fetches the fewest inputs and weights per output among those that fit the banked buffer.
  ///
  /// Depth grows in steps of 16 outputs, height and width in micro-blocks. The cost of a block is
  /// `(input fetches + weight fetches) / outputs`; ties go to the block that covers more of a small input, and a block
  /// whose double buffer holds the whole input counts half. Nil when not even one micro-block fits.
  package func configuration(for query: Query) -> Configuration? {
    var search = BlockSearch(array: self, query: query)
    return search.run()
  }

  /// Kernel positions fill the multipliers better than channels, or as well.
  package func prefersPartKernel(_ query: Query) -> Bool {
    guard query.mode == .convolution else { return false }
    let depth = query.shape.channelsPerGroup
    let taps = query.shape.kernelElements
    let wide = query.inputBits == 8 ? 1 : 2
    func share(_ extent: Int, of unit: Int) -> Double { Double(extent) / Double(roundUp(extent, to: unit)) }
    switch buffers {
    case .banked:
      guard depth > partKernel.channelUnit else { return true }
      let part = share(depth, of: partKernel.channelUnit) * share(taps, of: partKernel.taps / wide)
      return part >= share(depth, of: partKernel.depthUnit / wide)
    case .split:
      let (whole, rest) = taps.quotientAndRemainder(dividingBy: partKernel.taps)
      let filled = Double(taps) / Double(whole * partKernel.taps + max(rest, partKernel.leastTaps))
      return share(depth, of: partKernel.channelUnit) * filled >= share(depth, of: partKernel.depthUnit)
    }
  }

  func inputBlock(for output: Block, micro: Block, _ query: Query, depth: Int?) -> Block {
    func extent(_ outputs: Int, _ stride: Int, _ taps: Int, _ dilation: Int, _ unit: Int) -> Int {
      roundUp((outputs - 1) * stride + min((taps - 1) * dilation + 1, kernelLimit), to: unit)
    }
    let s = query.shape
    return Block(
      extent(output.height, s.strideHeight, s.kernelHeight, s.dilationHeight, micro.height),
      extent(output.width, s.strideWidth, s.kernelWidth, s.dilationWidth, micro.width), depth ?? output.depth)
  }

  func fits(output: Block, input: Block, _ query: Query, isWide: Bool) -> Bool {
    switch buffers {
    case .banked(let buffer): buffer.fits(output: output, input: input, query, isWide: isWide, cores: cores)
    case .split(let buffers): buffers.fits(output: output, input: input, query, isWide: isWide)
    }
  }
}

extension BlockArray.BankedBuffer {
  package var operandBytes: Int { (banks - reservedEndBanks - reservedOutputBanks) * bankBytes }

  /// Whether the double-buffered input block and the accumulators (or a second input block) fit the banks.
  func fits(output: Block, input: Block, _ query: BlockArray.Query, isWide: Bool, cores: Int) -> Bool {
    let inputSharing = query.keepsDepth || query.mode == .channelSum ? cores : 1
    let inputBytes = input.area * roundUp(ceilDivide(input.depth, inputSharing) * query.inputBits / 8, to: 8)
    let granule = query.inputBits == 8 ? inputGranule8 : query.inputBits == 16 ? inputGranule16 : inputGranule32
    let inputBanks = roundUp(2 * ceilDivide(inputBytes, bankBytes), to: granule)
    let available = banks - reservedEndBanks - reservedOutputBanks
    if case .elementwise(_, let broadcastsScalar) = query.mode {
      return inputBanks * (broadcastsScalar && query.inputBits <= 16 ? 1 : 2) <= available
    }
    // The compiler lays out the sums of all cores in the buffer of each: commands name one layout for both.
    let accumulatorBytes = output.area * roundUp(output.depth, to: 8) * (isWide ? 40 : 32) / 8
    let accumulatorBanks = roundUp(
      2 * ceilDivide(accumulatorBytes, bankBytes), to: isWide ? accumulatorGranule40 : accumulatorGranule32)
    return inputBanks + accumulatorBanks <= available
  }
}

extension BlockArray.SplitBuffers {
  /// Whether the input block and the accumulators each fit their memory; elementwise outputs fit theirs.
  func fits(output: Block, input: Block, _ query: BlockArray.Query, isWide: Bool) -> Bool {
    if query.isElementwise { return output.volume * query.outputBits / 8 <= outputs }
    let accumulators = copies(query) * output.area * roundUp(output.depth, to: 16) * (isWide ? 8 : 4)
    return inputBytes(input, query) <= inputs && accumulators <= self.accumulators
  }

  /// What an input block takes of its memory.
  func inputBytes(_ input: Block, _ query: BlockArray.Query) -> Int {
    let depth = min(input.depth, query.input.depth) * query.inputBits / 8
    let unit = depth <= 16 ? 16 : depth <= 32 ? 32 : largestDepthUnit
    return copies(query) * input.area * roundUp(depth, to: min(unit, largestDepthUnit))
  }

  /// The next block's sums start while the last ones leave; depthwise and pooling blocks are one at a time.
  private func copies(_ query: BlockArray.Query) -> Int { query.keepsDepth ? 1 : 2 }
}

/// One exhaustive search over block shapes.
private struct BlockSearch {
  static let splitDepth = 16

  let array: BlockArray
  let query: BlockArray.Query
  let micro: BlockArray.MicroBlock
  let isPartKernel: Bool
  let isWide: Bool
  let inputDepth: Int?
  var bestCost = Double.infinity
  var bestCoverage = Double.infinity
  var best: BlockArray.Configuration?
  var tooLarge: Set<[Int]> = []

  init(array: BlockArray, query: BlockArray.Query) {
    self.array = array
    self.query = query
    micro = array.microBlock(for: query)
    isPartKernel = array.prefersPartKernel(query)
    isWide = query.inputBits == 16 && query.mode != .pooling && !query.isElementwise
    let channels = query.shape.inputChannels
    if query.keepsDepth {
      inputDepth = nil
    } else if query.inputBits == 16 {
      inputDepth = roundUp(min(channels, 16), to: 4)
    } else {
      let depth = isPartKernel ? 16 : micro.channels
      if case .split = array.buffers { inputDepth = depth } else { inputDepth = roundUp(min(channels, depth), to: 8) }
    }
  }

  mutating func run() -> BlockArray.Configuration? {
    let output = query.output
    let micro = micro.shape
    let depthUnit = micro.depth * array.cores
    let limit = output.clipped(to: array.maximumBlock)
    let largest = Block(
      roundUp(limit.height, to: micro.height), roundUp(limit.width, to: micro.width), roundUp(limit.depth, to: depthUnit))
    var depth = aligned(max(depthUnit, min(largest.depth, Self.splitDepth)))
    while depth <= largest.depth {
      for height in stride(from: micro.height, through: largest.height, by: micro.height) {
        for width in stride(from: micro.width, through: largest.width, by: micro.width) where !tooLarge.contains([height, width]) {
          consider(Block(height, width, depth))
        }
      }
      depth = aligned(depth + depthUnit)
    }
    return best
  }

  private func aligned(_ depth: Int) -> Int {
    depth < query.output.depth ? roundUp(depth, to: Self.splitDepth) : depth
  }

  private mutating func consider(_ block: Block) {
    let input = array.inputBlock(for: block, micro: micro.shape, query, depth: inputDepth)
    var held = block
    // A one-row output of a one-row kernel does not need the micro-block's second row of accumulators.
    if query.output.height == 1, query.shape.kernelHeight == 1, micro.shape.height == 2 { held.height = 1 }
    guard array.fits(output: held, input: input, query, isWide: isWide) else {
      tooLarge.insert([block.height, block.width])
      return
    }
    var cost = cost(of: block, held: held, input: input)
    if query.input.volume < 2 * input.volume { cost /= 2 }
    guard cost <= bestCost else { return }
    if cost == bestCost {
      let covered = query.input.clipped(to: input)
      let coverage = Double(query.input.area) / Double(max(covered.area, 1))
      guard coverage <= bestCoverage, block.height <= 4, block.width <= 4 else { return }
      bestCoverage = coverage
    } else {
      bestCoverage = .infinity
    }
    bestCost = cost
    best = BlockArray.Configuration(
      micro: micro, output: block, input: input, isPartKernel: isPartKernel, hasWideAccumulators: isWide)
  }

  private func cost(of block: Block, held: Block, input: Block) -> Double {
    let output = query.output
    if query.isElementwise { return Double(output.volume) / Double(block.volume) }
    let shape = query.shape
    let across = Double(output.height) / Double(held.height) * Double(output.width) / Double(held.width)
    let whole = ceilDivide(output.height, held.height) * ceilDivide(output.width, held.width)
    var weights = 0.0
    if query.mode == .convolution || query.mode == .depthwise {
      weights = Double(shape.kernelElements * shape.inputChannels * whole)
      if query.mode == .convolution { weights *= Double(output.depth) }
    }
    let reach = (
      (shape.kernelHeight - 1) * shape.dilationHeight + 1, (shape.kernelWidth - 1) * shape.dilationWidth + 1
    )
    let repeats = ceilDivide(reach.0, array.kernelLimit) * ceilDivide(reach.1, array.kernelLimit)
    var inputs = Double(input.area * shape.inputChannels * repeats) * across
    if !query.keepsDepth { inputs *= Double(ceilDivide(output.depth, held.depth)) }
    return (inputs + weights) / Double(output.volume)
  }
}
