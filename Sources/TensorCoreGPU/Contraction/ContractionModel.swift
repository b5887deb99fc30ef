package import Basic
package import IR
package import Results

/// Time of a contraction on a GPU with what people need to see: the kernel chosen, what binds it, bytes per level.
package struct ContractionEstimate: Sendable, Hashable {
  package var seconds: Double
  package var floorSeconds: Double
  package var bound: Bound
  /// One sentence with the figures that bind.
  package var reason: String
  package var choice: String
  /// Number format of the arithmetic: `f16`, `i8`, `f16 2:4`.
  package var format: String
  /// Bytes per level, as in a kernel's result.
  package var bytes: [String: Double]
  package var energy: Double
  package var figures: [String: Double]
  /// Encodings that were emulated.
  package var notes: [String]
}

/// Maps contractions, convolutions included, to matrix products and costs them.
package struct ContractionModel: Sendable {
  package let gemm: GEMMModel
  package var gpu: GPUDescription { gemm.gpu }

  package init(_ gpu: GPUDescription) { gemm = GEMMModel(gpu) }

  /// - `epilogueBytes`: read by the steps fused behind the contraction (residuals, biases).
  /// - `reuseBytes`: touched between two uses of the weights; decides whether they are found in the L2.
  package func estimate(
    _ contraction: Contraction, epilogueBytes: Double = 0, reuseBytes: Double = .infinity
  ) throws(Failure) -> ContractionEstimate {
    var shape = GEMMShape(contraction)
    shape.epilogueBytes = epilogueBytes
    shape.weightReuseBytes = contraction.rhs.isConstant ? reuseBytes : 0
    guard let choice = gemm.choosePath(for: shape) else {
      throw Failure(
        "\(gpu.name) cannot multiply \(shape.activation.rawValue) by \(shape.weight.rawValue), nor emulate it",
        fix: "choose one of the formats of its <gemm> paths with --precision")
    }
    var asked = choice.shape
    asked.alignChannels(of: contraction.convolution, on: choice.path)
    let product = ContractionEstimate(gemm.estimate(asked, on: choice.path), choice, gpu)
    guard let convolution = contraction.convolution, convolution.groups > 1 else { return product }
    // Few channels per group leave a matrix tile mostly empty: libraries then walk the image directly.
    let direct = directEstimate(convolution, asked, choice)
    return direct.seconds < product.seconds ? direct : product
  }
}

extension GEMMShape {
  /// The product behind a contraction; a convolution is an implicit product whose A is read with overlap.
  package init(_ contraction: Contraction) {
    let quantization = contraction.rhs.encoding.quantization
    var isBlockScaled = false
    if case .group = quantization?.granularity { isBlockScaled = contraction.lhs.storage.bits <= 8 && contraction.lhs.storage.isFloat }
    self.init(
      batch: contraction.batch, m: contraction.m, n: contraction.n, k: contraction.k, activation: contraction.lhs.storage,
      weight: contraction.rhs.storage, output: contraction.output.storage, isBlockScaled: isBlockScaled,
      isDynamic: contraction.lhs.encoding.quantization?.isDynamic ?? false,
      isSparse: contraction.rhs.encoding.sparsity == .structured(kept: 2, of: 4),
      activationBytes: contraction.convolution == nil ? nil : Double(contraction.lhs.bytes))
  }

  /// Matrix instructions load 16-byte pieces of channels: an image with three channels is padded to the next piece.
  fileprivate mutating func alignChannels(of convolution: Convolution?, on path: GEMMPath) {
    guard let convolution, path.instruction.feed != .cores else { return }
    let channels = max(1, convolution.inputChannels / max(1, convolution.groups))
    guard k % channels == 0 else { return }
    let piece = max(1, Int(16 / path.operandBytes))
    let padded = channels < piece ? max(channels.nextPowerOfTwo, piece / 2) : (channels + piece - 1) / piece * piece
    k = k / channels * padded
  }
}

extension Int {
  fileprivate var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}

extension ContractionModel {
  /// A depthwise or narrow grouped convolution on the ordinary cores: every tap is a load from the L1 and a multiply-add,
  /// the image passes device memory once.
  private func directEstimate(
    _ convolution: Convolution, _ shape: GEMMShape, _ choice: GEMMPathChoice
  ) -> ContractionEstimate {
    let macs = shape.macs
    let elements = Double(shape.batch) * Double(shape.m) * Double(shape.n)
    let input = shape.activationBytes ?? 0
    let output = elements * Double(shape.output.bits) / 8
    let memory = (input + output + shape.epilogueBytes) / (gpu.memory.bandwidth * gpu.memory.efficiency)
    // One tap costs a load and an address beside the multiply-add: a third of the lanes do arithmetic.
    let arithmetic = 3 * macs / (gpu.sm.fp32Lanes * Double(gpu.smCount) * gpu.boostClock)
    let busy = max(memory, arithmetic)
    let skewed = gpu.memory.skew * memory
    let seconds = gpu.launch.graph + gpu.seconds(gpu.gemm.fill + gpu.gemm.epilogue) + busy + skewed / (1 + skewed / gpu.memory.skewLimit)
    let bound: Bound = busy < seconds / 2 ? .launch : (memory >= arithmetic ? .memory : .compute)
    let reason =
      switch bound {
      case .launch: "starting and filling the kernel takes more than its \(Format.seconds(busy)) of work"
      case .memory: "\(Format.bytes(input + output)) pass device memory once"
      default: "\(Format.count(macs)) multiply-adds on the ordinary cores, with a load for each"
      }
    let floor = max((input + output) / gpu.memory.bandwidth * (input + output > gpu.l2.capacity ? 1 : 0), arithmetic / 3)
    return ContractionEstimate(
      seconds: seconds, floorSeconds: min(floor, seconds), bound: bound, reason: reason,
      choice: "direct convolution, \(convolution.groups) groups", format: shape.activation.rawValue,
      bytes: ["dram": input + output, "l2": input * 2 + output], energy: (input + output) * gpu.memory.energyPerByte + gpu.power.idle * seconds,
      figures: ["launch": gpu.launch.graph], notes: choice.notes)
  }
}

extension ContractionEstimate {
  fileprivate init(_ estimate: GEMMEstimate, _ choice: GEMMPathChoice, _ gpu: GPUDescription) {
    let sparse = choice.shape.isSparse ? " 2:4" : ""
    self.init(
      seconds: estimate.seconds, floorSeconds: min(estimate.floorSeconds, estimate.seconds), bound: estimate.limit.bound,
      reason: estimate.reason(choice, gpu), choice: "\(estimate.path): \(estimate.choice)",
      format: choice.path.instruction.formats.contains(choice.shape.activation)
        ? choice.shape.activation.rawValue + sparse : choice.path.instruction.name,
      bytes: ["dram": estimate.deviceBytes, "l2": estimate.l2Bytes, "shared": estimate.sharedBytes],
      energy: estimate.energy,
      figures: [
        "launch": estimate.launch, "prelude": estimate.prelude, "fill": estimate.fill, "main loop": estimate.mainLoop,
        "epilogue": estimate.epilogue, "reduction": estimate.reduction, "skew": estimate.skew,
        "waves": estimate.waves, "blocks": estimate.blocks, "clock share": estimate.clockShare,
      ], notes: choice.notes)
  }
}
