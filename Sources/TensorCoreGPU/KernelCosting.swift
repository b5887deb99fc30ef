internal import Basic
internal import IR
internal import Lowering
internal import Results

/// Time of one fused kernel: the anchor's model, with the rest of the group as its prologue and epilogue.
struct KernelCosting {
  let gpu: GPUDescription
  let contractions: ContractionModel
  let streaming: StreamingCosting

  init(_ gpu: GPUDescription, _ contractions: ContractionModel, launch: RunRequest.Launch = .graph) {
    self.gpu = gpu
    self.contractions = contractions
    streaming = StreamingCosting(gpu, launch: launch)
  }

  /// - `staying`: tensors that go from their producer to their readers through the L2 alone.
  func result(of kernel: Kernel, _ cache: CacheResidency.View, staying: Set<Int>) throws(Failure) -> KernelResult {
    let estimate = try estimate(kernel.anchorComputation, of: kernel, cache)
    return KernelResult(
      id: kernel.id, name: kernel.name, kind: kernel.anchorComputation.kind, origin: kernel.origin,
      bound: estimate.bound,
      reason: ([estimate.reason] + estimate.notes).joined(separator: "; "), latencySeconds: estimate.seconds,
      floorSeconds: estimate.floorSeconds, cycles: try gpu.cycles(estimate.seconds),
      macs: kernel.work.macs, flops: kernel.work.flops, bytes: estimate.bytes.mapValues { Int($0.rounded()) },
      energyJoules: estimate.energy.isFinite ? estimate.energy : nil, format: estimate.format, choice: estimate.choice,
      isOpaque: kernel.anchorComputation.isOpaque, operations: kernel.steps.map(\.label),
      reads: kernel.reads.map { TensorSummary($0, isConstant: $0.operand.isConstant, staysOnChip: staying.contains($0.id)) },
      writes: kernel.writes.map { TensorSummary($0, isConstant: false, staysOnChip: staying.contains($0.id)) },
      figures: estimate.figures)
  }

  private func estimate(
    _ computation: Computation, of kernel: Kernel, _ cache: CacheResidency.View
  ) throws(Failure) -> ContractionEstimate {
    switch computation {
    case .contraction(let contraction) where contraction.experts != nil:
      return try streaming.estimate(routed: contraction, of: kernel)
    case .contraction(let contraction):
      let operands = contraction.lhs.bytes + contraction.rhs.bytes
      return try contractions.estimate(
        contraction, epilogueBytes: Double(max(0, kernel.bytesRead - operands)),
        writtenBytes: Double(kernel.bytesWritten), residency: residency(kernel, cache))
    case .loop(let loop): return try estimate(loop)
    case .attention, .pointwise, .reduction, .movement, .opaque:
      return try streaming.estimate(computation, of: kernel, hotShare: cache.share(of: kernel.reads))
    }
  }

  /// The anchor's two operands, where they come from outside the kernel, and everything else it reads.
  private func residency(_ kernel: Kernel, _ cache: CacheResidency.View) -> GEMMShape.Residency {
    let operands = kernel.steps[kernel.anchor].inputs.prefix(2)
    func share(_ id: Int?, atBest: Bool = false) -> Double {
      let outside = kernel.reads.filter { $0.id == id }
      // An operand made inside the kernel comes from what its first steps read.
      return cache.share(of: outside.isEmpty ? kernel.reads.filter { !$0.operand.isConstant } : outside, atBest: atBest)
    }
    let (lhs, rhs) = (operands.first, operands.dropFirst().first)
    return GEMMShape.Residency(
      activation: share(lhs), weight: share(rhs), epilogue: cache.share(of: kernel.reads.filter { !operands.contains($0.id) }),
      stored: cache.stored, mostOfActivation: share(lhs, atBest: true), mostOfWeight: share(rhs, atBest: true))
  }

  /// A recurrent layer has kernels of its own; any other loop runs its body's kernels once per trip.
  private func estimate(_ loop: Loop) throws(Failure) -> ContractionEstimate {
    if let layer = RecurrentModel.Layer(loop), let software = gpu.recurrent {
      return try RecurrentModel(gpu: gpu, software: software, contractions: contractions, streaming: streaming).estimate(layer)
    }
    var seconds = 0.0
    var floor = 0.0
    var energy = 0.0
    var bytes: [String: Double] = [:]
    for step in loop.body {
      let part: ContractionEstimate
      if case .contraction(let contraction) = step {
        part = try contractions.estimate(contraction, reuseBytes: 0)
      } else {
        part = try streaming.estimate(step)
      }
      let trips = Double(loop.tripCount * loop.parallel)
      seconds += part.seconds * trips
      floor += part.floorSeconds * trips
      energy += part.energy * trips
      for (level, moved) in part.bytes { bytes[level, default: 0] += moved * trips }
    }
    return ContractionEstimate(
      seconds: seconds, floorSeconds: floor, bound: .dependency,
      reason: "\(loop.tripCount) steps of \(loop.body.count) kernels depend on each other",
      choice: "one kernel per step and operation",
      format: "f32", bytes: bytes, energy: energy, figures: [:], notes: [])
  }
}

extension TensorSummary {
  fileprivate init(_ tensor: Kernel.Tensor, isConstant: Bool, staysOnChip: Bool) {
    self.init(
      id: tensor.id, name: tensor.name, type: "\(tensor.type)", bytes: tensor.operand.bytes, isConstant: isConstant,
      staysOnChip: staysOnChip)
  }
}
