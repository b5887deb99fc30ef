internal import Basic
internal import Hardware
internal import IR
internal import Lowering
internal import Results

/// One stream of kernels in order, each starting when the one before has ended.
struct GPUStream {
  let kernels: [Kernel]
  let costs: [GPUKernelCost]
  let gpu: GPUDescription

  func run() -> MachineRun {
    var results: [KernelResult] = []
    var spans: [Timeline.Span] = []
    var clock = 0.0
    for (kernel, cost) in zip(kernels, costs) {
      results.append(result(kernel, cost, start: clock))
      let launch = min(gpu.launch.graph, cost.seconds)
      if launch > 0 { spans.append(.init(kernel: kernel.id, resource: "launch", start: clock, end: clock + launch, kind: "launch")) }
      spans.append(.init(kernel: kernel.id, resource: "SMs", start: clock + launch, end: clock + cost.seconds, kind: "compute"))
      clock += cost.seconds
    }
    let dependencies = kernels.flatMap { kernel in kernel.dependencies.map { [$0, kernel.id] } }
    let (occupancy, peak) = memory(ends: results.map { $0.startSeconds + $0.latencySeconds })
    let energies = costs.compactMap(\.energy)
    return MachineRun(
      kernels: results,
      timeline: Timeline(
        resources: [.init(name: "launch"), .init(name: "SMs")], spans: spans, dependencies: dependencies, occupancy: ["device memory": occupancy],
        capacity: ["device memory": Int(gpu.memory.capacity)]),
      latencySeconds: clock, cycles: Int((clock * gpu.boostClock).rounded()), floorSeconds: min(floor, clock), serialSeconds: clock,
      energyJoules: energies.count == costs.count && gpu.memory.energyPerByte > 0 ? energies.reduce(0, +) : nil,
      peakMemoryBytes: ["device memory": peak], roofline: roofline, assumptions: assumptions, diagnostics: diagnostics(peak))
  }

  private func result(_ kernel: Kernel, _ cost: GPUKernelCost, start: Double) -> KernelResult {
    KernelResult(
      id: kernel.id, name: kernel.name, kind: kernel.anchorComputation.kind, origin: kernel.origin, bound: cost.bound,
      reason: ([cost.reason] + cost.notes).joined(separator: "; "), startSeconds: start, latencySeconds: cost.seconds,
      floorSeconds: cost.floorSeconds, cycles: Int((cost.seconds * gpu.boostClock).rounded()), macs: kernel.work.macs,
      flops: kernel.work.flops, bytes: ["device memory": Int(cost.deviceBytes.rounded()), "L2": Int(cost.cacheBytes.rounded())],
      energyJoules: cost.energy, format: cost.format, choice: cost.choice, isOpaque: cost.isOpaque, operations: kernel.steps.map(\.label),
      reads: kernel.reads.map(Self.summary), writes: kernel.writes.map(Self.summary), figures: cost.figures)
  }

  private static func summary(_ tensor: Kernel.Tensor) -> TensorSummary {
    let shape = tensor.type.shape.map(\.description).joined(separator: ",")
    return TensorSummary(
      id: tensor.id, name: tensor.name, type: "\(tensor.operand.storage.rawValue)[\(shape)]", bytes: tensor.operand.bytes,
      isConstant: tensor.operand.isConstant)
  }

  /// All arithmetic at peak, or all weights, inputs and outputs once at pin rate, whichever takes longer.
  private var floor: Double {
    let compute = costs.reduce(0) { $0 + $1.computeFloorSeconds }
    var compulsory: [Int: Int] = [:]
    let produced = Set(kernels.flatMap { $0.writes.map(\.id) })
    let consumed = Set(kernels.flatMap { $0.reads.map(\.id) })
    for kernel in kernels {
      let gathers: Bool
      if case .movement(let movement) = kernel.anchorComputation { gathers = movement.elementsRead != nil } else { gathers = false }
      if gathers { continue }
      for read in kernel.reads where !produced.contains(read.id) { compulsory[read.id] = read.operand.bytes }
      for write in kernel.writes where !consumed.contains(write.id) { compulsory[write.id] = write.operand.bytes }
    }
    // What the L2 can hold from one replay to the next need not come from device memory.
    let bytes = max(0, Double(compulsory.values.reduce(0, +)) - gpu.l2.capacity)
    return max(compute, bytes / gpu.memory.bandwidth)
  }

  /// Weights all the time, activations from their producer to their last reader.
  private func memory(ends: [Double]) -> (steps: [[Int]], peak: Int) {
    var weights: [Int: Int] = [:]
    var activations: [Int: (bytes: Int, first: Int, last: Int)] = [:]
    for (index, kernel) in kernels.enumerated() {
      for tensor in kernel.reads {
        if tensor.operand.isConstant { weights[tensor.id] = tensor.operand.bytes } else {
          // An input of the model is there from the start.
          activations[tensor.id] = (tensor.operand.bytes, activations[tensor.id]?.first ?? 0, index)
        }
      }
      // A result nobody reads stays to the end.
      for tensor in kernel.writes { activations[tensor.id] = (tensor.operand.bytes, index, kernels.count - 1) }
    }
    var changes = [Int](repeating: 0, count: kernels.count + 1)
    for tensor in activations.values {
      changes[tensor.first] += tensor.bytes
      changes[tensor.last + 1] -= tensor.bytes
    }
    var current = weights.values.reduce(0, +)
    var (steps, peak): ([[Int]], Int) = ([], current)
    for index in kernels.indices {
      current += changes[index]
      peak = max(peak, current)
      let start = index == 0 ? 0 : ends[index - 1]
      steps.append([Int((start * gpu.boostClock).rounded()), current])
    }
    return (steps, peak)
  }

  private var roofline: Roofline {
    let sms = Double(gpu.smCount)
    var best: [String: Double] = [:]
    for instruction in gpu.instructions {
      for format in instruction.formats {
        let name = format.rawValue + (instruction.sparsity.isEmpty ? "" : " \(instruction.sparsity)")
        best[name] = max(best[name] ?? 0, 2 * instruction.rate * sms * gpu.boostClock)
      }
    }
    return Roofline(
      compute: best.sorted { $0.key < $1.key }.map { .init(name: $0.key, rate: $0.value) },
      memory: [
        .init(name: "L2", rate: gpu.l2.bytesPerClock * gpu.boostClock), .init(name: "device memory", rate: gpu.memory.bandwidth),
      ])
  }

  private var assumptions: [Assumption] {
    var result = [
      Assumption(
        what: "latency = one replay of a captured graph; weights and inputs are in device memory, the host is not waited for", basis: .assumed,
        source: "definition")
    ]
    result += gpu.numbers.map { Assumption(what: "\($0.path) = \($0.text)", basis: $0.basis, source: $0.source) }
    return result
  }

  private func diagnostics(_ peak: Int) -> [Diagnostic] {
    guard Double(peak) > gpu.memory.capacity else { return [] }
    return [
      Diagnostic(
        .warning, "the model needs \(Format.bytes(Double(peak))) but \(gpu.name) has \(Format.bytes(gpu.memory.capacity)): it does not fit",
        fix: "a smaller batch or narrower weights")
    ]
  }
}
