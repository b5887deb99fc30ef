internal import Basic
internal import Engine
internal import IR
internal import Lowering
internal import Results

/// Puts a simulated pipeline into the form every machine family returns.
struct FPGAResult {
  let description: FPGADescription
  let kernels: [Kernel]
  let batch: Batch
  let lowering: PipelineLowering
  let design: PipelineDesign
  let pipeline: PipelineEstimate
  let run: DataflowRun
  /// The resource that keeps the folding from a faster one; nil when the folding was asked for.
  let limit: ResourceLimit?
  /// First and last busy cycle of every layer, from the first frame of the batch to its last.
  let spans: [Range<Int>]
  let pace: Pace
  /// The kernel that writes each tensor, by number.
  private let writers: [Int: Int]

  init(
    description: FPGADescription, kernels: [Kernel], batch: Batch, lowering: PipelineLowering, pipeline: PipelineEstimate,
    design: PipelineDesign, run: DataflowRun, limit: ResourceLimit?
  ) {
    self.limit = limit
    self.description = description
    self.kernels = kernels
    self.batch = batch
    self.lowering = lowering
    self.design = design
    self.pipeline = pipeline
    self.run = run
    writers = Dictionary(
      kernels.flatMap { kernel in kernel.writes.map { ($0.id, kernel.id) } }, uniquingKeysWith: { first, _ in first })
    pace = Pace(pipeline, run, transfer: design.transfer)
    let pace = pace
    guard design.transfer == .parallel else {
      let last = run.spans[min(batch.frames, run.spans.count) - 1]
      let further = max(0, batch.frames - run.spans.count) * pace.interval
      spans = zip(run.firstFrame, last).map { $0.lowerBound..<($1.upperBound + further) }
      return
    }
    // Between registers one layer follows the other.
    var clock = 0
    spans = pipeline.layers.map { layer in
      defer { clock += layer.parallelCycles + 1 }
      return clock..<(clock + layer.parallelCycles + (batch.frames - 1) * pace.interval)
    }
  }

  private static let hostWork = "transfers by the host"

  private var tick: Double { 1 / description.clock }
  private var isParallel: Bool { design.transfer == .parallel }

  var machineRun: MachineRun {
    let results = kernels.map(result)
    let cycles = pace.cycles(frames: batch.frames)
    let hostSeconds = Double(batch.frames) * description.board.hostSeconds
    let latency = Double(cycles) * tick + hostSeconds
    let isolated = design.layers.indices.map(alone)
    let slowest = pipeline.layers.map(\.stage.cyclesPerFrame).max() ?? 0
    let floor = min(latency, Double((isolated.max() ?? 0) + (isParallel ? 0 : (batch.frames - 1) * slowest)) * tick)
    let serial = max(latency, Double(batch.frames * isolated.reduce(0, +)) * tick + hostSeconds)
    let framesPerSecond = min(
      1 / max(tick, Double(pace.interval) * tick), hostSeconds > 0 ? Double(batch.frames) / latency : .infinity)
    let throughput = framesPerSecond * Double(batch.inputsPerFrame)
    return MachineRun(
      kernels: results, timeline: timeline, latencySeconds: latency, cycles: cycles, floorSeconds: floor,
      serialSeconds: serial, throughputPerSecond: throughput,
      energyJoules: description.board.watts > 0 ? description.board.watts * latency : nil,
      resources: resources, assumptions: assumptions, diagnostics: diagnostics,
      floorScope: "with this folding", overhead: hostSeconds > 0 ? Overhead(name: Self.hostWork, seconds: hostSeconds) : nil,
      roomLimit: limit?.text)
  }

  /// Cycles a layer takes by itself.
  private func alone(_ layer: Int) -> Int {
    isParallel ? pipeline.layers[layer].parallelCycles : pipeline.layers[layer].stage.isolatedLatency
  }

  /// Layers of one kernel, by index.
  private func layers(of kernel: Int) -> [Int] {
    lowering.kernelOfLayer.indices.filter { lowering.kernelOfLayer[$0] == kernel }
  }

  private func result(_ kernel: Kernel) -> KernelResult {
    let mine = layers(of: kernel.id)
    let start = mine.map { spans[$0].lowerBound }.min() ?? 0
    let end = mine.map { spans[$0].upperBound }.max() ?? start
    let slowest = mine.max { pipeline.layers[$0].stage.cyclesPerFrame < pipeline.layers[$1].stage.cyclesPerFrame }
    let busy = slowest.map { pipeline.layers[$0].stage.cyclesPerFrame } ?? 0
    let isBottleneck = mine.contains(pipeline.network.bottleneck)
    let work = kernel.work
    let area = mine.reduce(Area()) { $0 + pipeline.layers[$1].synthesised }
    var figures: [String: Double] = ["ii": Double(busy), "stages": Double(mine.count)]
    for (name, count) in area.named where count > 0 { figures[name] = Double(count) }
    if isBottleneck { figures["bottleneck"] = 1 }
    if !isParallel, let output = lowering.outputLayer[kernel.id] {
      let last = mine.map { run.firstFrame[$0].upperBound }.max() ?? 0
      if last > run.given[output] { figures[KernelResult.readsOn] = Double(last - run.given[output]) }
    }
    if let depth = mine.flatMap({ pipeline.network.inputs(of: $0) }).map({ pipeline.network.fifos[$0].depth }).max() {
      figures["fifo depth"] = Double(depth)
    }
    return KernelResult(
      id: kernel.id, name: kernel.name, kind: kernel.anchorComputation.kind, origin: kernel.origin,
      bound: isBottleneck ? .compute : .dependency, reason: reason(slowest, busy, isBottleneck),
      startSeconds: Double(start) * tick, latencySeconds: Double(end - start) * tick,
      floorSeconds: min(Double(end - start), Double((slowest.map(alone) ?? 0) + (isParallel ? 0 : (batch.frames - 1) * busy))) * tick,
      cycles: end - start, macs: work.macs, flops: work.flops, bytes: [:], format: format(slowest),
      choice: choice(slowest), isOpaque: kernel.anchorComputation.isOpaque, operations: kernel.steps.map(\.label),
      reads: kernel.reads.map { read($0, by: mine) }, writes: kernel.writes.map(summary), figures: figures)
  }

  private func reason(_ slowest: Int?, _ busy: Int, _ isBottleneck: Bool) -> String {
    guard let slowest else { return "no stage of its own" }
    let layer = design.layers[slowest]
    let products = pipeline.layers[slowest].folding.map { $0.pe * $0.simd } ?? layer.multipliers
    let folding = layer.kernelOutputs > 0 ? ", \(products) of \(layer.weightCount) products at once" : ""
    return isBottleneck
      ? "the slowest stage: \(busy) cycles per frame\(folding)"
      : "streams \(layer.pixels) words in \(busy) cycles\(folding), waiting for the slowest stage"
  }

  private func format(_ layer: Int?) -> String {
    guard let layer else { return "" }
    let spec = design.layers[layer]
    return spec.kernelOutputs > 0 ? "fixed\(spec.dataBits)xw\(spec.weightBits)" : "fixed\(spec.dataBits)"
  }

  private func choice(_ layer: Int?) -> String {
    guard let layer, design.layers[layer].kernelOutputs > 0 else { return "" }
    let spec = design.layers[layer]
    if let folding = pipeline.layers[layer].folding { return "PE \(folding.pe), SIMD \(folding.simd)" }
    return "reuse \(spec.effectiveReuse.effective), \(spec.strategy.rawValue)"
  }

  /// A tensor as it flows through the pipeline: floats as fixed point.
  private func summary(_ tensor: Kernel.Tensor) -> TensorSummary {
    let shape = tensor.type.constantShape.map { $0.map(String.init).joined(separator: ",") } ?? "?"
    let bits = description.request.fixedBits
    let isFixed = tensor.type.storage.isFloat && tensor.type.storage.bits > 8
    return TensorSummary(
      id: tensor.id, name: tensor.name, type: "\(isFixed ? "fixed\(bits)" : tensor.type.storage.rawValue)[\(shape)]",
      bytes: isFixed ? (tensor.operand.count * bits + 7) / 8 : tensor.operand.bytes,
      isConstant: tensor.operand.isConstant, staysOnChip: true)
  }

  /// The same with the depth of the FIFO that brings it to one of the reader's layers.
  private func read(_ tensor: Kernel.Tensor, by layers: [Int]) -> TensorSummary {
    var result = summary(tensor)
    guard !isParallel, let writer = writers[tensor.id] else { return result }
    result.fifoDepth =
      pipeline.network.fifos.first { layers.contains($0.consumer) && lowering.kernelOfLayer[$0.producer] == writer }?.depth
    return result
  }

  private var timeline: Timeline {
    let names = design.layers.indices.map { "\($0) \(design.layers[$0].name)" }
    let bars = design.layers.indices.compactMap { index -> Timeline.Span? in
      guard lowering.kernelOfLayer[index] >= 0 else { return nil }
      return Timeline.Span(
        kernel: lowering.kernelOfLayer[index], resource: names[index], start: Double(spans[index].lowerBound) * tick,
        end: Double(spans[index].upperBound) * tick, kind: index == pipeline.network.bottleneck ? "compute" : "stream")
    }
    let edges = kernels.flatMap { kernel in kernel.dependencies.map { [$0, kernel.id] } }
    let hostSeconds = Double(batch.frames) * description.board.hostSeconds
    let end = Double(pace.cycles(frames: batch.frames)) * tick
    let host =
      hostSeconds > 0
      ? [Timeline.Span(kernel: Timeline.Span.noKernel, resource: "host", start: end, end: end + hostSeconds, kind: Self.hostWork)] : []
    return Timeline(
      resources: (names + host.map(\.resource)).map { Timeline.Resource(name: $0) }, spans: bars + host, dependencies: edges,
      isStreaming: true)
  }

  private var resources: [String: ResourceUse] {
    var result: [String: ResourceUse] = [:]
    let (after, before) = (pipeline.synthesised.named, pipeline.reported.named)
    for (index, have) in description.part.capacity.named.enumerated() {
      // The platform around the pipeline takes its share in either account.
      let shell = Double(description.part.shell.named.first { $0.name == have.name }?.count ?? 0)
      result["\(have.name) (csynth-like)"] = ResourceUse(
        used: Double(before[index].count) + shell, available: Double(have.count))
      result["\(have.name) (post-synthesis-like)"] = ResourceUse(
        used: Double(after[index].count) + shell, available: Double(have.count))
    }
    return result
  }

  private var assumptions: [Assumption] {
    var result = [
      Assumption(
        what: "implementation profile \(description.request.profile), \(design.transfer.rawValue) transfer",
        basis: .assumed,
        source: "target file, <hls>"),
      Assumption(
        what: "steady interval \(pace.interval) cycles; worst of the first frames \(run.worstLatency) cycles",
        basis: .derived, source: "dataflow simulation of three frames"),
    ]
    if let limit {
      result.append(Assumption(what: "the next faster folding does not fit: \(limit.text)", basis: .derived, source: "folding search"))
    }
    if let note = batch.note(firstSeconds: Double(pace.cycles(frames: 1)) * tick + description.board.hostSeconds) { result.append(note) }
    if design.layers.contains(where: { $0.strategy == .latency && $0.kernelOutputs > 0 && $0.weights == nil }) {
      result.append(
        Assumption(
          what: "weights spread evenly over their range, for the number of products that need a multiplier",
          basis: .assumed,
          source: "weights not in the model or not readable as fixed point"))
    }
    let unused = description.profiles.filter { $0.name != description.request.profile }.map { "fpga.\($0.name)." }
    return result + description.numbers.filter { number in !unused.contains { number.path.hasPrefix($0) } }.assumptions
  }

  /// Corrected reuse factors and a hint where a pipeline is larger than a die.
  private var diagnostics: [Diagnostic] {
    (dieHint.map { [$0] } ?? [])
      + design.layers.compactMap { layer in
        guard description.profile?.folding == .reuse, layer.kernelOutputs > 0, layer.effectiveReuse.isCorrected else {
          return nil
        }
        return Diagnostic(
          .warning,
          "layer '\(layer.name)': reuse factor \(layer.reuse) is not legal for \(layer.kernelInputs) x \(layer.kernelOutputs); the tool takes \(layer.effectiveReuse.effective)",
          fix: "ask for \(layer.effectiveReuse.effective)")
      }
  }
}
