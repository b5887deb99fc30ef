internal import Basic
internal import IR
internal import Lowering
internal import Results

/// Turns layers and their timing into the family-independent result.
struct RunBuilder {
  let machine: NPUDescription
  let kernels: [Kernel]
  let layers: [Layer]
  let timings: [LayerTiming]
  let residency: Residency
  let request: RunRequest

  func run() -> MachineRun {
    let worked = timings.map(\.end).max() ?? 0
    let latency = machine.runSeconds + machine.seconds(worked)
    let results = kernels.indices.map(result)
    let energy = EnergyAccount(machine).total(kernels, layers)
    var diagnostics: [Diagnostic] = []
    for (kernel, layer) in zip(kernels, layers) where layer.place == .host {
      diagnostics.append(Diagnostic(.warning, "'\(kernel.name)' runs on the host: \(layer.note)"))
    }
    if let note = placementNote { diagnostics.append(note) }
    let occupancy = MemoryOccupancy(machine: machine, kernels: kernels, layers: layers, timings: timings, residency: residency).steps()
    let peaks = peaks(occupancy)
    let fitting = machine.memories.filter { level in
      guard let capacity = level.capacity else { return false }
      guard let peak = peaks[level.name], peak > capacity else { return true }
      diagnostics.append(
        Diagnostic(
          .warning, "\(level.name) holds \(Format.bytes(Double(capacity))), the network needs \(Format.bytes(Double(peak))) there"))
      return false
    }
    return MachineRun(
      kernels: results, timeline: timeline(occupancy, fitting), latencySeconds: latency, cycles: machine.runCycles + worked,
      floorSeconds: min(latency, floorSeconds()), serialSeconds: max(latency, serialSeconds()),
      throughputPerSecond: latency > 0 ? Double(machine.instances * request.batch) / latency : nil,
      energyJoules: energy.map(EnergyAccount.sum), energyByPart: energy ?? [:],
      peakMemoryBytes: peaks, roofline: roofline(), assumptions: machine.numbers.assumptions, diagnostics: diagnostics,
      overhead: machine.runSeconds > 0 ? Overhead(name: Self.invocation, seconds: machine.runSeconds) : nil)
  }

  private static let invocation = "starting the run"

  // MARK: Kernels

  private func result(_ index: Int) -> KernelResult {
    let kernel = kernels[index]
    let layer = layers[index]
    let timing = timings[index]
    let (bound, reason) = explanation(layer, timing)
    var figures = Dictionary(uniqueKeysWithValues: timing.causes.map { ($0.key.rawValue, Double($0.value)) })
    if layer.macs > 0, timing.cycles > 0 {
      figures["array utilisation"] = Double(layer.macs) / Double(machine.macsPerCycle) / Double(timing.cycles)
      figures["array active"] = Double(layer.compute.streaming) / Double(timing.cycles)
    }
    var bytes: [String: Int] = [:]
    for (memory, transfer) in layer.transfers.enumerated() where transfer.total > 0 {
      bytes[machine.memories[memory].name, default: 0] += transfer.total
    }
    return KernelResult(
      id: kernel.id, name: kernel.name, kind: kernel.anchorComputation.kind, origin: kernel.origin, bound: bound,
      reason: reason, startSeconds: machine.runSeconds + machine.seconds(timing.start),
      latencySeconds: machine.seconds(timing.cycles), floorSeconds: machine.seconds(min(timing.cycles, floorCycles(layer))),
      cycles: timing.cycles, macs: layer.macs, flops: kernel.work.flops, bytes: bytes,
      energyJoules: EnergyAccount(machine).parts(kernel, layer).map(EnergyAccount.sum),
      format: layer.format, choice: layer.choice, isOpaque: kernel.anchorComputation.isOpaque,
      operations: kernel.steps.map(\.label), reads: kernel.reads.map(summary), writes: kernel.writes.map(summary),
      figures: figures)
  }

  private func summary(_ tensor: Kernel.Tensor) -> TensorSummary {
    TensorSummary(
      id: tensor.id, name: tensor.name,
      type: "\(tensor.operand.storage.rawValue)[\(tensor.type.shape.map(\.description).joined(separator: ","))]",
      bytes: tensor.operand.bytes, isConstant: tensor.operand.isConstant,
      staysOnChip: !tensor.operand.isConstant && residency.isNear(tensor.id))
  }

  private func explanation(_ layer: Layer, _ timing: LayerTiming) -> (Bound, String) {
    let share = timing.causes.filter { $0.key != .streaming }.max { ($0.value, $1.key) < ($1.value, $0.key) }
    func percent(_ cycles: Int) -> String { Format.percent(Double(cycles) / Double(max(timing.cycles, 1))) }
    switch layer.place {
    case .view: return (.compute, "a view: nothing moves")
    case .host: return (.host, "no unit of the accelerator computes it; \(layer.note)")
    case .array, .vector: break
    }
    if let memory = timing.bindingMemory {
      let level = machine.memories[memory]
      let moved = Format.bytes(Double(layer.transfers[memory].total))
      let text =
        "\(level.name) moves \(moved) at \(Format.fixed(level.bytesPerCycle, 2)) B/cycle, longer than the \(layer.compute.cycles) cycles of work"
      return (memory == machine.placement.near ? .cache : .memory, text)
    }
    guard let share, share.value > layer.compute.streaming else {
      return (.compute, "the array streams for \(percent(layer.compute.streaming)) of the time")
    }
    let text = "\(share.key.rawValue) takes \(percent(share.value)) of the time"
    switch share.key {
    case .launch: return (.launch, text)
    case .dependency: return (.dependency, text)
    case .fillDrain, .weightLoad: return (.feed, text)
    case .weightTransfer, .inputTransfer, .outputTransfer, .memoryBandwidth, .bankConflict: return (.memory, text)
    case .fallback: return (.host, text)
    case .streaming, .outputStage: return (.compute, text)
    }
  }

  // MARK: Bounds and energy

  /// Says when less near memory would send less to the far one.
  private var placementNote: Diagnostic? {
    guard let plan = residency.smallerPlan, let far = machine.far else { return nil }
    func text(_ bytes: Int) -> String { Format.bytes(Double(bytes)) }
    return Diagnostic(
      .note,
      "\(text(residency.spilledBytes)) of feature maps pass \(far.name); with \(text(plan.capacity)) of \(machine.near.name) it would be \(text(plan.spilledBytes)), because whole feature maps are given a place before layers run depth first, as the machine's compiler does it",
      fix: "compare --set '\(machine.near.name).capacity=\(plan.capacity) B'")
  }

  private func floorCycles(_ layer: Layer) -> Int {
    layer.compulsory.enumerated().reduce(Int(layer.arithmeticCycles)) { max($0, machine.memories[$1.offset].cycles(for: $1.element)) }
  }

  /// Whatever the schedule and the placement: all multiplications at the full rate of their formats, what every memory has to move in
  /// any case, and what either of two memories has to move at the rate of both.
  private func floorSeconds() -> Double {
    let arithmetic = Int(layers.reduce(0) { $0 + $1.arithmeticCycles })
    let fixed = machine.memories.indices.map { memory in layers.reduce(0) { $0 + $1.compulsory[memory] - $1.movable[memory] } }
    let memories = machine.memories.indices.map { machine.memories[$0].cycles(for: fixed[$0]) }
    return machine.seconds(max(arithmetic, memories.max() ?? 0, eitherCycles(fixed)))
  }

  /// Cycles that the near and the far memory need together for what they have to move and for the feature maps between layers.
  private func eitherCycles(_ fixed: [Int]) -> Int {
    guard let far = machine.placement.far, far != machine.placement.near else { return 0 }
    let pair = [machine.placement.near, far]
    // Weights that could stay from run to run need not pass at all.
    let maps = pair.reduce(0) { sum, memory in
      memory == machine.placement.weights && machine.policy.weights == .resident
        ? sum : sum + layers.reduce(0) { $0 + $1.movable[memory] }
    }
    let rate = pair.reduce(0) { $0 + machine.memories[$1].bytesPerCycle }
    return Int(Double(pair.reduce(maps) { $0 + fixed[$1] }) / rate)
  }

  private func serialSeconds() -> Double {
    let cycles = zip(layers, timings).reduce(0) { sum, pair in
      let (layer, timing) = pair
      let memory = layer.transfers.enumerated().reduce(0) {
        $0 + machine.memories[$1.offset].cycles(for: $1.element.total) + machine.memories[$1.offset].readLatency
      }
      return sum + max(timing.cycles, layer.compute.cycles + layer.vectorTail + memory + layer.launch + layer.hostCycles)
    }
    return machine.runSeconds + machine.seconds(cycles)
  }

  private func peaks(_ occupancy: [String: [[Int]]]) -> [String: Int] {
    occupancy.mapValues { steps in steps.reduce(0) { max($0, $1[1]) } }
  }

  private func roofline() -> Roofline {
    Roofline(
      compute: machine.formats.map {
        .init(
          name: "\($0.activations.rawValue)×\($0.weights.rawValue)",
          rate: 2 * Double(machine.macsPerCycle) / $0.cyclesPerStep * machine.clockHertz)
      },
      // From the outermost: the slower, the farther.
      memory: machine.memories.sorted { $0.bytesPerCycle < $1.bytesPerCycle }.map {
        .init(name: $0.name, rate: $0.bytesPerCycle * machine.clockHertz)
      })
  }

  // MARK: Timeline

  private func timeline(_ occupancy: [String: [[Int]]], _ bounded: [MemoryLevel]) -> Timeline {
    let units = ["array", "vector", "host"].filter { name in layers.contains { $0.place.rawValue == name } }
    var spans: [Timeline.Span] = []
    if machine.runSeconds > 0 {
      spans.append(.init(kernel: Timeline.Span.noKernel, resource: "driver", start: 0, end: machine.runSeconds, kind: Self.invocation))
    }
    for index in kernels.indices where layers[index].place != .view { spans += self.spans(index) }
    let capacity = Dictionary(bounded.map { ($0.name, $0.capacity ?? 0) }, uniquingKeysWith: { first, _ in first })
    return Timeline(
      resources: (machine.runSeconds > 0 ? [.init(name: "driver")] : []) + units.map { Timeline.Resource(name: $0) }
        + machine.memories.map { .init(name: $0.name, isExclusive: false) },
      spans: spans, dependencies: kernels.flatMap { kernel in kernel.dependencies.map { [$0, kernel.id] } },
      isStreaming: true, occupancy: occupancy, capacity: capacity)
  }

  private func spans(_ index: Int) -> [Timeline.Span] {
    let layer = layers[index]
    let timing = timings[index]
    func seconds(_ cycle: Int) -> Double { machine.runSeconds + machine.seconds(cycle) }
    var spans = [
      Timeline.Span(
        kernel: kernels[index].id, resource: layer.place.rawValue, start: seconds(timing.work.lowerBound),
        end: seconds(min(timing.end, timing.work.upperBound)), kind: layer.place == .host ? "fallback" : "compute")
    ]
    for (memory, busy) in timing.busy.enumerated() where busy > 0 {
      let early = memory == machine.placement.weights ? min(timing.early, timing.start) : 0
      let start = timing.start - early
      spans.append(
        Timeline.Span(
          kernel: kernels[index].id, resource: machine.memories[memory].name, start: seconds(start),
          end: seconds(min(timing.end, start + busy)), kind: "transfer"))
    }
    return spans
  }
}
