internal import IR
internal import Lowering

extension LayerBuilder {
  /// False when the machine has no unit for the function.
  func addPointwise(_ pointwise: Pointwise, followsArray: Bool, _ context: LayerContext, to layer: inout Layer) -> Bool {
    // Applied to results on their way out: of the array, or of the vector engine itself.
    let follows = followsArray || layer.compute.outputStage > 0
    if follows, machine.vector.activationCycles(pointwise.function) != nil { return true }
    let bits = pointwise.inputs.map(\.storage.bits).max() ?? 8
    let outputBits = pointwise.outputs.first?.storage.bits ?? 8
    let operands = pointwise.inputs.filter { !$0.isConstant || $0.count > 1 }.count
    guard
      let rate = machine.vector.cycles(
        .pointwise, pointwise.function, operands: max(operands, 1), inputBits: bits, outputBits: outputBits)
    else { return false }
    let cycles = elementCycles(pointwise.count, operands: operands, inputBits: bits, outputBits: outputBits, rate)
    layer.compute.outputStage += ceilDivide(cycles, machine.cores)
    if layer.format.isEmpty { layer.format = pointwise.inputs.first?.storage.rawValue ?? "" }
    return true
  }

  func addMovement(_ movement: Movement, to layer: inout Layer) -> Bool {
    guard movement.kind != .view else { return true }
    guard let rate = machine.vector.cycles(.movement, movement.kind.rawValue) else { return false }
    let elements = movement.outputs.reduce(0) { $0 + $1.count }
    layer.compute.outputStage += Int((Double(elements) * rate / Double(machine.cores)).rounded(.up))
    return true
  }

  mutating func addReduction(_ reduction: Reduction, _ context: LayerContext, to layer: inout Layer) -> Bool {
    let name = reduction.kind.rawValue
    let bits = reduction.inputs.first?.storage.bits ?? 8
    if layer.format.isEmpty { layer.format = reduction.inputs.first?.storage.rawValue ?? "" }
    if let program = machine.vector.programs[name] {
      layer.compute.outputStage += programCycles(program, rows: reduction.rows, columns: reduction.columns, to: &layer)
      layer.choice = "program of \(program.reduce(0) { $0 + $1.repeats }) steps"
      return true
    }
    if case .block(let array) = machine.array, let rate = machine.vector.cycles(.output, name, inputBits: bits) {
      return addBlockPooling(array, reduction, rate, context, to: &layer)
    }
    guard let rate = machine.vector.cycles(.reduction, name, inputBits: bits) else { return false }
    let elements = Double(reduction.rows) * Double(reduction.columns)
    layer.compute.outputStage += Int((elements * rate / Double(machine.cores)).rounded(.up))
    return true
  }

  /// Pooling on the multiplier array: windows of at most `kernelLimit²` taps, channels kept apart.
  private mutating func addBlockPooling(
    _ array: BlockArray, _ reduction: Reduction, _ rate: Double, _ context: LayerContext, to layer: inout Layer
  ) -> Bool {
    let bits = reduction.inputs.first?.storage.bits ?? 8
    let shape =
      reduction.window.map(LayerShape.init(pooling:))
      ?? LayerShape(
        input: (reduction.columns, 1, reduction.rows), output: (1, 1, reduction.rows), kernel: (reduction.columns, 1),
        groups: reduction.rows)
    var single = shape
    single.batch = 1
    let query = BlockArray.Query(
      mode: .pooling, shape: single, inputBits: bits, outputBits: reduction.outputs.first?.storage.bits ?? bits)
    guard let configuration = try? block(array, query) else { return false }
    let input = context.mainInput.map(context.memory(of:)) ?? machine.placement.near
    let output = context.mainOutput.map(context.memory(of:)) ?? machine.placement.near
    let place = BlockPlacement(
      input: machine.memories[input], output: machine.memories[output],
      inputLayout: context.layout(of: context.mainInput), outputLayout: context.layout(of: context.mainOutput),
      constants: nil)
    layer.compute = layer.compute + array.cost(of: query, configuration, place, cyclesPerOutput: rate).scaled(by: shape.batch)
    let traffic = array.traffic(query, configuration, place)
    layer.transfers[input].streamedInputs += traffic.input * shape.batch
    layer.transfers[output].streamedOutputs += traffic.output * shape.batch
    layer.require(bytes(shape.touchedInputElements, bits), on: input, isMovable: context.isMovable(context.mainInput))
    layer.require(bytes(shape.outputElements, bits), on: output, isMovable: context.isMovable(context.mainOutput))
    layer.place = .array
    layer.choice = "block \(configuration.output), pooling"
    return true
  }

  /// Cycles of one function over `count` elements; a block array adds what its command stream needs per block.
  func elementCycles(_ count: Int, operands: Int, inputBits: Int, outputBits: Int, _ rate: Double) -> Int {
    guard case .block(let array) = machine.array else { return Int((Double(count) * rate).rounded(.up)) }
    let shape = LayerShape(
      input: (1, ceilDivide(count, 16), 16), output: (1, ceilDivide(count, 16), 16), groups: 1)
    let query = BlockArray.Query(
      mode: .elementwise(operands: operands, broadcastsScalar: false), shape: shape, inputBits: inputBits, outputBits: outputBits)
    guard let configuration = array.configuration(for: query) else { return Int((Double(count) * rate).rounded(.up)) }
    let place = BlockPlacement(
      input: machine.near, output: machine.near, inputLayout: machine.policy.layout, outputLayout: machine.policy.layout,
      constants: nil)
    return array.cost(of: query, configuration, place, cyclesPerOutput: rate).cycles
  }

  /// A function carried out as a program of elementary operations, one after the other.
  private mutating func programCycles(
    _ program: [VectorEngine.ProgramStep], rows: Int, columns: Int, to layer: inout Layer
  ) -> Int {
    var total = 0
    for step in program {
      let cycles: Int
      switch step.form {
      case .element, .row:
        let count = step.form == .element ? rows * columns : rows
        let rate =
          machine.vector.cycles(
            .pointwise, step.function, operands: step.operands, inputBits: step.inputBits, outputBits: step.outputBits) ?? 1
        cycles = elementCycles(count, operands: step.operands, inputBits: step.inputBits, outputBits: step.outputBits, rate)
      case .rowMaximum, .rowSum:
        cycles = rowCycles(step, rows: rows, columns: columns)
      }
      let table = machine.memories[machine.placement.weights].cycles(for: step.tableBytes)
      total += max(cycles, table) * step.repeats
      let elements = (step.form == .row ? rows : rows * columns) * step.repeats
      layer.transfers[machine.placement.near].streamedInputs += elements * step.inputBits * step.operands / 8
      layer.transfers[machine.placement.near].streamedOutputs += elements * step.outputBits / 8
      layer.transfers[machine.placement.weights].streamedWeights += step.tableBytes * step.repeats
    }
    return total
  }

  private mutating func rowCycles(_ step: VectorEngine.ProgramStep, rows: Int, columns: Int) -> Int {
    let rate = machine.vector.cycles(.output, step.function, inputBits: step.inputBits) ?? 1
    guard case .block(let array) = machine.array else { return Int((Double(rows * columns) * rate).rounded(.up)) }
    let isSum = step.form == .rowSum
    let shape =
      isSum
      ? LayerShape(input: (1, rows, columns), output: (1, rows, 1))
      : LayerShape(input: (rows, columns, 1), output: (rows, 1, 1), kernel: (1, columns))
    let query = BlockArray.Query(
      mode: isSum ? .channelSum : .pooling, shape: shape, inputBits: step.inputBits, outputBits: step.outputBits)
    guard let configuration = try? block(array, query) else { return Int((Double(rows * columns) * rate).rounded(.up)) }
    let place = BlockPlacement(
      input: machine.near, output: machine.near, inputLayout: .linear, outputLayout: .linear, constants: nil)
    return array.cost(of: query, configuration, place, cyclesPerOutput: rate).cycles
  }

  /// A kernel without contraction reads its operands and writes its results once.
  func addVectorTraffic(_ context: LayerContext, to layer: inout Layer) {
    for tensor in context.kernel.reads {
      let memory = context.memory(of: tensor)
      layer.transfers[memory].streamedInputs += tensor.operand.bytes
      layer.require(tensor.operand.bytes, on: memory, isMovable: context.isMovable(tensor))
    }
    for tensor in context.kernel.writes {
      let memory = context.memory(of: tensor)
      layer.transfers[memory].streamedOutputs += tensor.operand.bytes
      layer.require(tensor.operand.bytes, on: memory, isMovable: context.isMovable(tensor))
    }
  }

  /// Operands of fused steps beside the main input: a residual, for example.
  func addSideInputs(_ context: LayerContext, to layer: inout Layer) {
    for tensor in context.kernel.reads where !tensor.operand.isConstant && tensor.id != context.mainInput?.id {
      let memory = context.memory(of: tensor)
      layer.transfers[memory].streamedInputs += tensor.operand.bytes
      layer.require(tensor.operand.bytes, on: memory, isMovable: context.isMovable(tensor))
    }
  }

  /// A kernel the accelerator has no unit for: the host computes it, with the way there and back.
  func hostLayer(_ kernel: Kernel) -> Layer {
    var layer = Layer(place: .host, memories: machine.memories.count)
    let work = kernel.work
    layer.macs = work.macs
    layer.format = kernel.reads.first?.operand.element.rawValue ?? ""
    guard let host = machine.host else {
      layer.note = "no unit"
      return layer
    }
    let moved = kernel.reads.reduce(0) { $0 + ($1.operand.isConstant ? 0 : $1.operand.bytes) } + kernel.bytesWritten
    let elements = max(0, work.flops - 2 * work.macs) + kernel.writes.reduce(0) { $0 + $1.operand.count }
    let transfer = Double(moved) / host.bytesPerSecond
    let seconds =
      host.callSeconds + transfer + Double(work.macs) / host.macsPerSecond + Double(elements) / host.elementsPerSecond
    layer.hostCycles = Int((seconds * machine.clockHertz).rounded(.up))
    layer.choice = "host fallback"
    layer.note = "fallback: \(moved) bytes to and from the host"
    let graph = machine.placement.graph
    layer.transfers[graph].load += moved
    return layer
  }
}
