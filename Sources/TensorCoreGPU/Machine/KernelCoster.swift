internal import Basic
internal import IR
internal import Lowering
internal import Results

/// Turns a fused kernel into a shape of one of the kernel models and adds what its epilogue and prologue cost.
struct KernelCoster {
  let gpu: GPUDescription
  let gemm: GEMMModel
  let streaming: StreamingModel
  let software: StreamingSoftware

  init(_ gpu: GPUDescription, _ software: StreamingSoftware) {
    self.gpu = gpu
    self.software = software
    gemm = GEMMModel(gpu)
    streaming = StreamingModel(device: DeviceRates(gpu, software), software: software)
  }

  func cost(_ kernel: Kernel) throws(Failure) -> GPUKernelCost {
    switch kernel.anchorComputation {
    case .contraction(let contraction): return try self.contraction(contraction, kernel)
    case .attention(let attention): return try self.attention(attention, kernel)
    case .reduction(let reduction): return streamed(kernel, walk: walk(reduction), rows: reduction.rows, columns: reduction.columns)
    case .pointwise(let pointwise): return streamed(kernel, walk: .elements, rows: 1, columns: pointwise.count)
    case .movement(let movement): return streamed(kernel, walk: .elements, rows: 1, columns: movement.outputs.first?.count ?? 1)
    case .loop(let loop): return try self.loop(loop, kernel)
    case .opaque(let opaque):
      var cost = streamed(kernel, walk: .elements, rows: 1, columns: opaque.outputs.first?.count ?? 1)
      cost.isOpaque = true
      cost.reason = "opaque '\(opaque.label)': only its bytes are counted; " + cost.reason
      return cost
    }
  }

  // MARK: Contractions

  private func contraction(_ contraction: Contraction, _ kernel: Kernel) throws(Failure) -> GPUKernelCost {
    if let convolution = contraction.convolution, contraction.n < 8 || (convolution.groups > 1 && contraction.k < 16) {
      return direct(contraction, convolution, kernel)
    }
    let shape = GEMMShape(contraction)
    guard let choice = gemm.choosePath(for: shape) else {
      throw Failure(
        "kernel '\(kernel.name)': \(gpu.name) has no way to multiply \(shape.activation.rawValue) by \(shape.weight.rawValue)",
        fix: "choose another --precision")
    }
    let estimate = gemm.estimate(choice.shape, on: choice.path)
    var cost = GPUKernelCost(estimate, choice, gpu)
    addBorders(kernel, main: [contraction.lhs, contraction.rhs, contraction.output], to: &cost)
    return cost
  }

  /// Depthwise and other narrow grouped convolutions: a streaming kernel on the ordinary cores.
  private func direct(_ contraction: Contraction, _ convolution: Convolution, _ kernel: Kernel) -> GPUKernelCost {
    let taps = convolution.kernel.reduce(1, *) * convolution.inputChannels / max(1, convolution.groups)
    let count = contraction.output.count
    let work = StreamingWork(
      walk: .elements, rows: 1, columns: count, elementBytes: max(1, contraction.output.storage.bits / 8),
      bytesRead: Double(kernel.bytesRead), bytesWritten: Double(kernel.bytesWritten),
      simple: Double(2 * taps) + epilogueCost(kernel).simple, special: epilogueCost(kernel).special)
    var cost = GPUKernelCost(streaming.estimate(work, mode: .graph), format: contraction.lhs.storage.rawValue, gpu)
    let macs = Double(contraction.macs)
    let peak = gpu.sm.fp16Lanes > 0 && contraction.lhs.storage.bits <= 16 ? gpu.sm.fp16Lanes : gpu.sm.fp32Lanes
    cost.computeFloorSeconds = min(cost.seconds, macs / (max(1, peak) * Double(gpu.smCount) * gpu.boostClock))
    cost.choice = "direct convolution, \(taps) taps on the ordinary cores"
    cost.notes = ["tensor cores need a reduction of at least 16 and 8 filters per group"]
    return cost
  }

  /// Operands beside the main ones (residuals, biases) stream through; special functions of the epilogue are issued after the
  /// main loop of each tile.
  private func addBorders(_ kernel: Kernel, main: [Operand], to cost: inout GPUKernelCost) {
    let mainBytes = main.reduce(0) { $0 + $1.bytes }
    let extra = max(0, Double(kernel.bytesRead + kernel.bytesWritten - mainBytes))
    let special = epilogueCost(kernel).special * Double(kernel.writes.first?.operand.count ?? 0)
    let stream = extra / streaming.streamRate(workingSet: Double(kernel.bytesRead + kernel.bytesWritten), isWarm: true)
    let issue = special / (max(1, gpu.sm.specialLanes) * Double(gpu.smCount) * gpu.boostClock)
    cost.seconds += stream + issue
    cost.floorSeconds = min(cost.seconds, max(cost.floorSeconds, 0))
    cost.deviceBytes += extra
    cost.cacheBytes += extra
    if stream + issue > 0 { cost.figures["epilogue operands"] = stream + issue }
  }

  /// Arithmetic per element of the steps beside the anchor.
  private func epilogueCost(_ kernel: Kernel) -> (simple: Double, special: Double) {
    var (simple, special) = (0.0, 0.0)
    for (index, step) in kernel.steps.enumerated() where index != kernel.anchor {
      if case .pointwise(let pointwise) = step.computation {
        simple += Double(pointwise.costPerElement.simple)
        special += Double(pointwise.costPerElement.special)
      }
    }
    return (simple, special)
  }

  // MARK: Attention

  private func attention(_ attention: Attention, _ kernel: Kernel) throws(Failure) -> GPUKernelCost {
    guard let library = gpu.attention.first, let estimate = AttentionModel(gpu, software, library).estimate(AttentionShape(attention)) else {
      throw Failure("kernel '\(kernel.name)': \(gpu.name) describes no fused attention for heads of \(attention.headDimension)")
    }
    var cost = GPUKernelCost(estimate, format: attention.query.storage.rawValue, gpu)
    let peak = gpu.instructions.filter { $0.formats.contains(attention.query.storage) && $0.sparsity.isEmpty }.map(\.rate).max() ?? gpu.sm.fp32Lanes
    cost.computeFloorSeconds = min(cost.seconds, Double(attention.macs) / (peak * Double(gpu.smCount) * gpu.boostClock))
    return cost
  }

  // MARK: Streaming

  private func walk(_ reduction: Reduction) -> StreamingWork.Walk {
    if reduction.window != nil { return .elements }
    switch reduction.kind {
    case .softmax: return .softmaxRows
    case .normalization: return .scalarRows
    case .sum, .mean, .maximum, .minimum, .product, .argument, .scan, .sort:
      return reduction.rows == 1 && reduction.columns > 65_536 ? .wholeReduction : .scalarRows
    }
  }

  private func streamed(_ kernel: Kernel, walk: StreamingWork.Walk, rows: Int, columns: Int) -> GPUKernelCost {
    var (simple, special) = (0.0, 0.0)
    var elements = 0.0
    for step in kernel.steps {
      let work = step.computation.work
      special += Double(work.specials)
      simple += Double(work.flops - work.specials)
      elements = max(elements, Double(step.computation.outputs.first?.count ?? 0))
    }
    let count = max(1, Double(rows) * Double(columns))
    let widest = (kernel.reads + kernel.writes).map(\.operand).max { $0.bytes < $1.bytes }
    let work = StreamingWork(
      walk: walk, rows: max(1, rows), columns: max(1, columns), elementBytes: max(1, (widest?.storage.bits ?? 32) / 8),
      bytesRead: readBytes(kernel), bytesWritten: Double(kernel.bytesWritten), simple: max(1, simple / count), special: special / count)
    var cost = GPUKernelCost(streaming.estimate(work, mode: .graph), format: widest?.storage.rawValue ?? "", gpu)
    cost.computeFloorSeconds = 0
    return cost
  }

  /// A gather reads the rows it needs, not the whole table.
  private func readBytes(_ kernel: Kernel) -> Double {
    guard case .movement(let movement) = kernel.anchorComputation, let read = movement.elementsRead, let table = movement.inputs.first, table.count > 0
    else { return Double(kernel.bytesRead) }
    return Double(kernel.bytesRead - table.bytes) + Double(table.bytes) * min(1, Double(read) / Double(table.count))
  }

  // MARK: Loops

  /// Each trip launches its contractions and one kernel for the rest, as step-by-step libraries do; directions run side by side.
  private func loop(_ loop: Loop, _ kernel: Kernel) throws(Failure) -> GPUKernelCost {
    var step = 0.0
    var floor = 0.0
    var bytes = 0.0
    for computation in loop.body {
      let body = Kernel(
        id: kernel.id, name: kernel.name, origin: [], steps: [.init(computation: computation, label: "", inputs: [], outputs: [])], anchor: 0,
        reads: computation.inputs.enumerated().map { .init(id: $0, name: "", type: TensorType($1.element, [$1.count]), operand: $1) },
        writes: computation.outputs.enumerated().map { .init(id: $0, name: "", type: TensorType($1.element, [$1.count]), operand: $1) },
        dependencies: [])
      let part = try cost(body)
      step += part.seconds
      floor += part.computeFloorSeconds
      bytes += part.deviceBytes
    }
    let trips = Double(loop.tripCount)
    return GPUKernelCost(
      seconds: max(trips * step, gpu.launch.graph), floorSeconds: trips * floor, computeFloorSeconds: trips * floor, bound: .dependency,
      reason: "\(loop.tripCount) dependent steps of \(Format.seconds(step))", choice: "one launch per operation and step",
      format: loop.inputs.first?.storage.rawValue ?? "", deviceBytes: Double(kernel.bytesRead + kernel.bytesWritten),
      cacheBytes: trips * bytes, energy: nil)
  }
}
