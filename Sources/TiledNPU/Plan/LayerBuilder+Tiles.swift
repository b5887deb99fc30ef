internal import IR
internal import Lowering

extension LayerBuilder {
  /// A contraction on a systolic or dot-product array: tiles from the far memory through buffers beside the array.
  mutating func addTiles(_ product: Product, _ context: LayerContext, to layer: inout Layer) throws(Infeasible) {
    let shape = product.shape
    let near = machine.placement.near
    let isStored = product.hasConstantWeights
    var weightBytes = product.operandBytes
    if isStored {
      let dense = machine.weightCode.weightBytes(
        shape, bits: product.weightBits, padded: shape.weightElements, statistics: product.statistics, palette: product.palette)
      weightBytes =
        Int((Double(dense) * product.storedShare).rounded(.up))
        + machine.weightCode.scaleBytes(channels: shape.outputChannels)
      weightBytes = Int((Double(weightBytes) * (1 - residentShare)).rounded(.up))
    }
    let demand = TileDemand(
      shape: shape, inputBits: product.inputBits, outputBits: product.outputBits,
      weightBytes: product.weights == near ? 0 : weightBytes, inputIsNear: product.input == near,
      outputIsNear: product.output == near, inputLanes: machine.array.inputLanes, outputLanes: machine.array.outputLanes,
      keepsPartialSums: machine.policy.keepsPartialSums)
    let plan = try plan(demand, buffers(context))
    addCompute(product, to: &layer)
    // The array starts with the first operand it holds; a tile's other weights follow while it works.
    let grain = max(1, bytes(machine.array.inputLanes * machine.array.outputLanes, product.weightBits))
    layer.tiles = max(layer.tiles, plan.tiles, isStored ? min(ceilDivide(plan.weightBytes, grain), 256) : 1)
    layer.choice = plan.description
    layer.heldBytes = max(layer.heldBytes, plan.heldBytes)

    layer.transfers[product.weights].prefetch += isStored ? plan.weightBytes : 0
    layer.transfers[product.weights].firstPrefetch += isStored ? min(plan.firstWeightBytes, grain) : 0
    layer.prefetchLimit += isStored ? machine.tileBuffers?.weightQueue ?? plan.firstWeightBytes * (plan.tiles > 1 ? 2 : 1) : 0
    layer.transfers[product.weights].load += isStored ? 0 : plan.weightBytes
    if product.input != near {
      layer.transfers[product.input].load += plan.inputBytes
      layer.transfers[product.input].firstLoad += plan.firstInputBytes
      layer.require(bytes(shape.touchedInputElements, product.inputBits), on: product.input, isMovable: product.inputIsMovable)
    }
    if product.output != near {
      layer.transfers[product.output].store += plan.outputBytes
      layer.transfers[product.output].lastStore += plan.lastOutputBytes
      layer.require(plan.outputBytes, on: product.output, isMovable: product.outputIsMovable)
    }
    addNearTraffic(product, plan, to: &layer.transfers[near])
  }

  /// Buffers of their own, or what feature maps leave of the near memory.
  func buffers(_ context: LayerContext) -> TileBuffers {
    if let own = machine.tileBuffers { return own }
    let free = machine.near.capacity.map { max(0, $0 - residency.live[context.index]) }
    return TileBuffers(name: machine.near.name, shared: free, isDoubleBuffered: machine.policy.isDoubleBuffered)
  }

  private func addCompute(_ product: Product, to layer: inout Layer) {
    var shape = product.shape
    // Cores share the output channels of a layer, or its groups when they are more.
    if machine.cores > 1 {
      if shape.groups >= machine.cores {
        let share = ceilDivide(shape.groups, machine.cores)
        shape.inputChannels = shape.channelsPerGroup * share
        shape.outputChannels = shape.gemmColumns * share
        shape.groups = share
      } else {
        shape.outputChannels = ceilDivide(shape.gemmColumns, machine.cores) * shape.groups
      }
    }
    let whole = max(1, Int(product.cyclesPerStep.rounded(.up)))
    var cost: ArrayCost
    switch machine.array {
    case .systolic(let array): cost = array.cost(of: shape, cyclesPerStep: whole)
    case .dot(let array): cost = array.cost(of: shape, cyclesPerStep: whole)
    case .block: cost = .zero
    }
    if product.cyclesPerStep < 1 { cost.streaming = Int((Double(cost.streaming) * product.cyclesPerStep).rounded(.up)) }
    let outputs = Double(product.shape.outputElements) / Double(machine.cores)
    cost.outputStage = max(0, Int(outputs * product.cyclesPerOutput) - cost.cycles)
    layer.compute = layer.compute + cost
    if machine.policy.serialisesOutput {
      layer.vectorTail += Int(Double(machine.array.lastOutputs(of: shape)) * product.cyclesPerOutput)
    }
  }

  /// What the near memory gives and takes while the array works.
  private func addNearTraffic(_ product: Product, _ plan: TilePlan, to near: inout Layer.Transfer) {
    let shape = product.shape
    let read =
      switch machine.policy.inputReads {
      case .once: bytes(shape.inputElements, product.inputBits)
      case .perPass:
        bytes(shape.groups * shape.gemmRows * shape.gemmDepth, product.inputBits) * machine.array.inputPasses(of: shape)
      }
    near.streamedInputs += read
    near.streamedOutputs += bytes(shape.outputElements, product.outputBits)
    // Tiles that have no buffers of their own are written here as they come, and read again as they leave.
    guard machine.tileBuffers == nil else { return }
    near.filled += plan.inputBytes + (machine.policy.weights == .resident ? 0 : plan.weightBytes)
    near.drained += plan.outputBytes
  }

  func bytes(_ elements: Int, _ bits: Int) -> Int { (elements * bits + 7) / 8 }
}
