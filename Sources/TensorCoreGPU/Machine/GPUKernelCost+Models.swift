internal import Basic
internal import IR
internal import Results

extension GEMMShape {
  /// A contraction as the product model sees it; a convolution as an implicit product that reads its input once.
  init(_ contraction: Contraction) {
    let activation = contraction.lhs
    let weight = contraction.rhs
    let isBlockScaled: Bool
    if case .group? = activation.encoding.quantization?.granularity { isBlockScaled = true } else { isBlockScaled = false }
    self.init(
      batch: contraction.batch, m: contraction.m, n: contraction.n, k: contraction.k, activation: activation.storage,
      weight: weight.storage, output: contraction.output.storage, isBlockScaled: isBlockScaled,
      isDynamic: activation.encoding.quantization?.isDynamic ?? false,
      isSparse: weight.encoding.sparsity == .structured(kept: 2, of: 4),
      activationBytes: contraction.convolution == nil ? nil : Double(activation.bytes))
  }
}

extension GPUKernelCost {
  init(_ estimate: GEMMEstimate, _ choice: GEMMPathChoice, _ gpu: GPUDescription) {
    let bound: Bound =
      switch estimate.limit {
      case .issue, .vector: .compute
      case .sharedMemory: .feed
      case .l2: .cache
      case .deviceMemory: .memory
      case .latency: .feed
      case .launch: .launch
      }
    let peak = choice.path.instruction.rate * Double(gpu.smCount) * gpu.boostClock
    let sparse = choice.shape.isSparse ? " 2:4" : ""
    self.init(
      seconds: estimate.seconds, floorSeconds: min(estimate.floorSeconds, estimate.seconds),
      computeFloorSeconds: min(estimate.seconds, choice.shape.macs / peak), bound: bound, reason: estimate.sentence(bound),
      choice: estimate.choice, format: "\(choice.shape.activation.rawValue)\(choice.shape.weight == choice.shape.activation ? "" : "×\(choice.shape.weight.rawValue)")\(sparse)",
      deviceBytes: estimate.deviceBytes, cacheBytes: estimate.l2Bytes, energy: estimate.energy, notes: choice.notes,
      figures: [
        "fill": estimate.fill, "main loop": estimate.mainLoop, "epilogue": estimate.epilogue, "reduction": estimate.reduction,
        "quantise": estimate.prelude, "launch": estimate.launch, "waves": estimate.waves, "clock share": estimate.clockShare,
      ].filter { $0.value > 0 })
  }

  init(_ estimate: KernelEstimate, format: String, _ gpu: GPUDescription) {
    self.init(
      seconds: estimate.seconds, floorSeconds: min(estimate.floorSeconds, estimate.seconds), computeFloorSeconds: 0,
      bound: estimate.bound, reason: estimate.reason, choice: estimate.choice, format: format, deviceBytes: estimate.memoryBytes,
      cacheBytes: estimate.memoryBytes, energy: estimate.memoryBytes * gpu.memory.energyPerByte + gpu.power.idle * estimate.seconds)
  }
}

extension GEMMEstimate {
  /// What binds, with the figures.
  fileprivate func sentence(_ bound: Bound) -> String {
    let waves = "\(Format.fixed(self.waves, 2)) waves of \(Int(slots)) blocks"
    return switch limit {
    case .issue: "matrix instructions issue for \(Format.seconds(mainLoop)) of \(Format.seconds(seconds)) in \(waves)"
    case .vector: "multiply-adds on the ordinary cores take \(Format.seconds(mainLoop))"
    case .sharedMemory: "shared memory feeds operands for \(Format.seconds(mainLoop)) of \(Format.seconds(seconds)) in \(waves)"
    case .l2: "the L2 feeds tiles for \(Format.seconds(mainLoop)) of \(Format.seconds(seconds)) in \(waves)"
    case .deviceMemory: "device memory moves \(Format.bytes(deviceBytes)) in \(Format.seconds(seconds))"
    case .latency: "loads are too few in flight: \(waves), each waits for memory"
    case .launch: "launch, fill and drain take more than the main loop's \(Format.seconds(mainLoop))"
    }
  }
}
