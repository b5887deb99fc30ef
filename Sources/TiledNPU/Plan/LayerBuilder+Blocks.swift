internal import IR
internal import Lowering

extension LayerBuilder {
  /// A contraction on a block array: blocks stream from the memory where the feature map is.
  mutating func addBlocks(
    _ array: BlockArray, _ product: Product, _ context: LayerContext, to layer: inout Layer
  ) throws(Infeasible) {
    let repeats: Int
    let query: BlockArray.Query
    (query, repeats) = Self.query(product, foldedStrideChannels: array.foldedStrideChannels)
    let configuration = try block(array, query)
    let place = BlockPlacement(
      input: machine.memories[product.input], output: machine.memories[product.output],
      inputLayout: context.layout(of: context.mainInput), outputLayout: context.layout(of: context.mainOutput),
      constants: machine.policy.weights == .stage ? machine.near : machine.memories[product.weights])
    var cost = array.cost(of: query, configuration, place, cyclesPerOutput: product.cyclesPerOutput).scaled(by: repeats)
    if product.cyclesPerStep < 1 { cost.streaming = Int((Double(cost.streaming) * product.cyclesPerStep).rounded(.up)) }
    let traffic = array.traffic(query, configuration, place)
    layer.compute = layer.compute + cost
    layer.transfers[product.input].streamedInputs += traffic.input * repeats
    layer.transfers[product.output].streamedOutputs += traffic.output * repeats
    limit(.inputs, traffic.input * repeats, product.input, array, &layer)
    layer.require(bytes(product.shape.touchedInputElements, product.inputBits), on: product.input, isMovable: product.inputIsMovable)
    layer.require(bytes(product.shape.outputElements, product.outputBits), on: product.output, isMovable: product.outputIsMovable)
    layer.choice =
      "block \(configuration.output), \(query.mode == .depthwise ? "depthwise" : configuration.isPartKernel ? "part kernel" : "depth first")"
    guard product.hasConstantWeights else {
      layer.transfers[product.weights].streamedWeights += product.operandBytes * traffic.weightFetches
      return
    }
    addBlockWeights(array, product, fetches: traffic.weightFetches, configuration, context, cost.cycles, to: &layer)
  }

  /// Notes what one kind of transfer needs for `bytes`, which it can only have in flight piece by piece.
  func limit(_ channel: BlockArray.Channel, _ bytes: Int, _ memory: Int, _ array: BlockArray, _ layer: inout Layer) {
    let level = machine.memories[memory]
    let cycles = Double(bytes) / array.bandwidth(channel, of: level)
    layer.transfers[memory].channelBytes = max(layer.transfers[memory].channelBytes, Int(cycles * level.bytesPerCycle))
  }

  private static func query(_ product: Product, foldedStrideChannels: Int) -> (query: BlockArray.Query, repeats: Int) {
    var shape = product.shape
    var repeats = shape.batch
    var mode = BlockArray.Mode.convolution
    shape.batch = 1
    if shape.isDepthwise {
      mode = .depthwise
      shape.inputChannels = shape.outputChannels
      shape.groups = shape.outputChannels
    } else {
      if shape.groups > 1 {
        repeats *= shape.groups
        shape.inputChannels = shape.channelsPerGroup
        shape.outputChannels = shape.gemmColumns
        shape.groups = 1
      }
      if shape.kernelElements == 1, shape.outputWidth == 1, shape.strideHeight == 1 {
        mode = shape.outputHeight == 1 ? .product : .convolution
        (shape.inputHeight, shape.inputWidth) = (1, shape.inputHeight)
        (shape.outputHeight, shape.outputWidth) = (1, shape.outputHeight)
      }
    }
    let stride = shape.strideWidth
    if mode == .convolution, stride > 1, shape.inputChannels * stride <= foldedStrideChannels, shape.inputWidth % stride == 0,
      shape.kernelWidth % stride == 0
    {
      shape.inputChannels *= stride
      shape.inputWidth /= stride
      shape.kernelWidth /= stride
      shape.strideWidth = 1
    }
    return (
      BlockArray.Query(mode: mode, shape: shape, inputBits: product.inputBits, outputBits: product.outputBits), repeats
    )
  }

  /// Takes weights straight from their memory, or copies them beside the array first, whichever ends earlier.
  private func addBlockWeights(
    _ array: BlockArray, _ product: Product, fetches: Int, _ configuration: BlockArray.Configuration,
    _ context: LayerContext, _ cycles: Int, to layer: inout Layer
  ) {
    let near = machine.placement.near
    let source = machine.memories[product.weights]
    let shape = product.shape
    let padded = paddedWeights(array, shape, configuration)
    let dense = machine.weightCode.weightBytes(
      shape, bits: product.weightBits, padded: padded, statistics: product.statistics, palette: product.palette)
    let weights = Int((Double(dense) * product.storedShare).rounded(.up))
    let scales = machine.weightCode.scaleBytes(channels: shape.outputChannels)
    let directBytes = fetches * (weights + scales)
    let free = (machine.near.capacity ?? .max) - residency.live[context.index]
    // A slice of sixteen output channels is the least that can be copied at a time.
    let slice = ceilDivide((weights + scales) * min(16, shape.outputChannels), shape.outputChannels)
    let canStage = machine.policy.weights == .stage && product.weights != near && min(weights + scales, 2 * slice) <= free
    let direct = max(cycles, source.cycles(for: directBytes))
    let copy = source.copyCycles(weights + scales, to: machine.near)
    let staged = max(cycles, copy + source.cycles(for: fetches * scales))
    if canStage, fetches > 1, staged <= direct {
      layer.transfers[product.weights].prefetch += weights + scales
      layer.transfers[product.weights].firstPrefetch += min(weights + scales, slice)
      layer.transfers[product.weights].streamedWeights += fetches * scales
      layer.transfers[near].filled += weights + scales
      layer.transfers[near].streamedWeights += fetches * weights
      layer.prefetchLimit += weights + scales
      layer.tiles = max(layer.tiles, ceilDivide(weights + scales, max(slice, 1)))
      layer.heldBytes = max(layer.heldBytes, min(weights + scales, free))
      layer.choice += ", weights staged"
      limit(.weights, fetches * weights, near, array, &layer)
    } else {
      layer.transfers[product.weights].streamedWeights += directBytes
      limit(.weights, fetches * weights, product.weights, array, &layer)
    }
    limit(.scales, fetches * scales, product.weights, array, &layer)
  }

  /// Weights after the padding the array's traversal needs.
  private func paddedWeights(_ array: BlockArray, _ shape: LayerShape, _ configuration: BlockArray.Configuration) -> Int {
    let depth = configuration.micro.shape.depth
    let filters = roundUp(shape.gemmColumns, to: depth)
    if shape.isDepthwise { return roundUp(shape.kernelElements, to: 4) * roundUp(shape.outputChannels, to: depth) }
    let taps = configuration.isPartKernel ? roundUp(shape.kernelElements, to: 4) : shape.kernelElements
    return shape.groups * taps * roundUp(shape.channelsPerGroup, to: 8) * filters
  }
}
