internal import IR
package import Lowering

/// Lowers kernels one by one; plans of equal layers are shared by the cache.
package struct LayerBuilder {
  package let machine: NPUDescription
  package let residency: Residency
  /// Share of every weight that the near memory keeps from run to run.
  let residentShare: Double
  /// The same if feature maps took nothing of it.
  let largestResidentShare: Double
  private var plans: [PlanCache.PlanKey: TilePlan] = [:]
  private var blocks: [BlockArray.Query: BlockArray.Configuration] = [:]

  package init(_ machine: NPUDescription, _ residency: Residency, kernels: [Kernel]) {
    self.machine = machine
    self.residency = residency
    guard machine.policy.weights == .resident, let capacity = machine.near.capacity else {
      residentShare = machine.policy.weights == .resident ? 1 : 0
      largestResidentShare = residentShare
      return
    }
    let total = kernels.reduce(0) { $0 + Self.storedBytes($1, machine) }
    residentShare = total == 0 ? 1 : min(1, Double(max(0, capacity - residency.peak)) / Double(total))
    largestResidentShare = total == 0 ? 1 : min(1, Double(capacity) / Double(total))
  }

  /// Constants of a kernel as they are stored: weights of products with their padding and scales, all others plainly.
  private static func storedBytes(_ kernel: Kernel, _ machine: NPUDescription) -> Int {
    kernel.steps.reduce(kernel.weightBytes) { total, step in
      guard case .contraction(let product) = step.computation, product.rhs.isConstant else { return total }
      return total - product.rhs.bytes + machine.weightCode.storedBytes(LayerShape(product), bits: product.rhs.storage.bits)
    }
  }

  /// The best tiling of equal demands, found once.
  mutating func plan(_ demand: TileDemand, _ buffers: TileBuffers) throws(Infeasible) -> TilePlan {
    let key = PlanCache.PlanKey(demand: demand, buffers: buffers)
    if let known = plans[key] { return known }
    let plan: TilePlan
    if let known = PlanCache.shared.plan(key) {
      plan = known
    } else {
      plan = try TileSearch(demand, buffers: buffers).best()
      PlanCache.shared.keep(plan, for: key)
    }
    plans[key] = plan
    return plan
  }

  /// The block of equal queries, found once.
  mutating func block(_ array: BlockArray, _ query: BlockArray.Query) throws(Infeasible) -> BlockArray.Configuration {
    if let known = blocks[query] { return known }
    let key = PlanCache.BlockKey(array: array, query: query)
    guard let found = PlanCache.shared.block(key) ?? array.configuration(for: query) else {
      let micro = array.microBlock(for: query).shape
      let smallest = array.inputBlock(for: micro, micro: micro, query, depth: query.keepsDepth ? nil : 8)
      let (demand, capacity) =
        switch array.buffers {
        case .banked(let buffer): (2 * smallest.volume * query.inputBits / 8 + 2 * micro.volume * 4, buffer.operandBytes)
        case .split(let buffers): (buffers.inputBytes(smallest, query), buffers.inputs)
        }
      throw Infeasible(
        buffer: "the array's block buffer", tile: "\(smallest) inputs for \(micro) outputs", demand: demand, capacity: capacity,
        lever: "a smaller kernel or stride, or a buffer of \(demand) bytes, would fit")
    }
    PlanCache.shared.keep(found, for: key)
    blocks[query] = found
    return found
  }

  /// The layer of kernel number `index`.
  package mutating func layer(_ kernel: Kernel, at index: Int) throws(Infeasible) -> Layer {
    do {
      guard !kernel.steps.allSatisfy({ $0.computation.isView }) else { return Layer(place: .view, memories: machine.memories.count) }
      guard let layer = try native(kernel, at: index) else { return hostLayer(kernel) }
      return layer
    } catch {
      var named = error
      named.layer = kernel.name
      // Compilers for block arrays leave kernels beyond the buffers to the processor.
      guard case .block = machine.array, machine.host != nil else { throw named }
      var layer = hostLayer(kernel)
      layer.note += "; \(named.description)"
      return layer
    }
  }

  /// Nil when a step has no unit on this machine.
  private mutating func native(_ kernel: Kernel, at index: Int) throws(Infeasible) -> Layer? {
    var layer = Layer(place: .vector, memories: machine.memories.count)
    layer.launch = machine.layerCycles
    let context = LayerContext(kernel: kernel, index: index, residency: residency, machine: machine)
    for (number, step) in kernel.steps.enumerated() {
      guard try add(step, isAnchor: number == kernel.anchor, context, to: &layer) else { return nil }
    }
    if layer.place == .vector { addVectorTraffic(context, to: &layer) } else { addSideInputs(context, to: &layer) }
    if kernel.writes.contains(where: { residency.isRolling($0.id) }) { layer.choice += ", depth first with the next layer" }
    for (memory, level) in machine.memories.enumerated() {
      let transfer = layer.transfers[memory]
      layer.transfers[memory].conflicts = level.conflictBytes(array: transfer.worked, engine: transfer.filled + transfer.drained)
    }
    return layer
  }

  private mutating func add(
    _ step: Kernel.Step, isAnchor: Bool, _ context: LayerContext, to layer: inout Layer
  ) throws(Infeasible) -> Bool {
    switch step.computation {
    case .contraction(let contraction):
      return try addContraction(contraction, step, context, to: &layer)
    case .attention(let attention):
      return try addAttention(attention, step, context, to: &layer)
    case .pointwise(let pointwise):
      return addPointwise(pointwise, followsArray: layer.place == .array, context, to: &layer)
    case .reduction(let reduction):
      return addReduction(reduction, context, to: &layer)
    case .movement(let movement):
      return addMovement(movement, to: &layer)
    case .loop(let loop):
      return try addLoop(loop, context, to: &layer)
    case .opaque:
      return false
    }
  }

  /// The body costs its parts, trip after trip; its weights stay beside the array between trips when they fit.
  private mutating func addLoop(_ loop: Loop, _ context: LayerContext, to layer: inout Layer) throws(Infeasible) -> Bool {
    var body = Layer(place: .vector, memories: machine.memories.count)
    for computation in loop.body {
      let step = Kernel.Step(computation: computation, label: loop.label, inputs: [], outputs: [])
      guard try add(step, isAnchor: false, context, to: &body) else { return false }
    }
    let trips = max(1, loop.tripCount * loop.parallel)
    layer.place = body.place
    layer.compute = layer.compute + body.compute.scaled(by: trips)
    layer.vectorTail += body.vectorTail * trips
    layer.macs += body.macs * trips
    layer.arithmeticCycles += body.arithmeticCycles * Double(trips)
    layer.format = body.format
    layer.choice = "\(trips) trips of: \(body.choice)"
    layer.heldBytes = max(layer.heldBytes, body.heldBytes)
    layer.prefetchLimit = max(layer.prefetchLimit, body.prefetchLimit)
    layer.tiles = max(layer.tiles, body.tiles)
    let fits = body.heldBytes + residency.live[context.index] <= machine.near.capacity ?? .max
    for memory in layer.transfers.indices {
      let one = body.transfers[memory]
      let isWeights = memory == machine.placement.weights && fits
      layer.transfers[memory].prefetch += one.prefetch * (isWeights ? 1 : trips)
      layer.transfers[memory].firstPrefetch += one.firstPrefetch
      layer.transfers[memory].load += one.load * (isWeights ? 1 : trips)
      layer.transfers[memory].streamedWeights += one.streamedWeights * trips
      layer.transfers[memory].streamedInputs += one.streamedInputs * trips
      layer.transfers[memory].streamedOutputs += one.streamedOutputs * trips
      layer.transfers[memory].filled += one.filled * trips
      layer.transfers[memory].drained += one.drained * trips
      layer.transfers[memory].store += one.store * (isWeights ? 1 : trips)
      layer.compulsory[memory] += body.compulsory[memory]
      layer.movable[memory] += body.movable[memory]
    }
    return true
  }
}

/// What a step needs to know about its kernel.
struct LayerContext {
  let kernel: Kernel
  let index: Int
  let residency: Residency
  let machine: NPUDescription

  /// The memory that holds a value.
  func memory(of tensor: Kernel.Tensor) -> Int {
    if tensor.operand.isConstant { return machine.placement.weights }
    if residency.isNear(tensor.id) { return machine.placement.near }
    return machine.placement.far ?? machine.placement.graph
  }

  /// The placement chose where the value is: another one could have taken the other memory.
  func isMovable(_ tensor: Kernel.Tensor?) -> Bool {
    guard let tensor, !tensor.operand.isConstant, machine.policy.keepsFeatureMapsNear, let far = machine.placement.far else { return false }
    return far != machine.placement.near && residency.isInterior(tensor.id)
  }

  /// Feature maps between layers lie as the machine likes them; what enters or leaves the network is linear.
  func layout(of tensor: Kernel.Tensor?) -> FeatureMapLayout {
    guard let tensor, !residency.isInterior(tensor.id) else { return machine.policy.layout }
    return .linear
  }

  /// The value read under `id`, or the one that `id` was made of inside the kernel.
  func read(_ id: Int?) -> Kernel.Tensor? {
    guard var id else { return nil }
    // A kernel has fewer links than steps: the bound only guards against malformed ones.
    for _ in 0...kernel.steps.count {
      if let tensor = kernel.reads.first(where: { $0.id == id }) { return tensor }
      guard let maker = kernel.steps.first(where: { $0.outputs.contains(id) }), let source = maker.inputs.first else { return nil }
      id = source
    }
    return nil
  }

  /// The first activation read and the first value written: the main operands of the kernel.
  var mainInput: Kernel.Tensor? { kernel.reads.first { !$0.operand.isConstant } }
  var mainOutput: Kernel.Tensor? { kernel.writes.first }
}

extension Layer {
  /// Notes bytes that have to pass `memory`, or another one where the placement had a choice.
  mutating func require(_ bytes: Int, on memory: Int, isMovable: Bool) {
    compulsory[memory] += bytes
    if isMovable { movable[memory] += bytes }
  }
}

extension ArrayCost {
  static func + (a: ArrayCost, b: ArrayCost) -> ArrayCost {
    ArrayCost(
      streaming: a.streaming + b.streaming, fillDrain: a.fillDrain + b.fillDrain, weightLoad: a.weightLoad + b.weightLoad,
      outputStage: a.outputStage + b.outputStage)
  }
}
