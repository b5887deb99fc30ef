package import Basic
package import IR
package import Lowering
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

  package init(_ gpu: GPUDescription, fidelity: RunRequest.Fidelity = .fast) {
    gemm = GEMMModel(gpu, fidelity: fidelity)
  }

  /// - `epilogueBytes`: read by the steps fused behind the contraction (residuals, biases).
  /// - `writtenBytes`: written by those steps; nil for the contraction's own result.
  /// - `residency`: what the L2 holds within a run of a whole model.
  /// - `reuseBytes`: touched between two uses of the weights; decides whether they are found in the L2.
  package func estimate(
    _ contraction: Contraction, epilogueBytes: Double = 0, writtenBytes: Double? = nil,
    residency: GEMMShape.Residency? = nil, reuseBytes: Double = .infinity
  ) throws(Failure) -> ContractionEstimate {
    var shape = GEMMShape(contraction)
    shape.epilogueBytes = epilogueBytes
    shape.storedBytes = writtenBytes
    shape.residency = residency
    shape.weightReuseBytes = contraction.rhs.isConstant ? reuseBytes : 0
    guard var choice = gemm.choosePath(for: shape) else {
      throw Failure(
        "\(gpu.name) cannot multiply \(shape.activation.rawValue) by \(shape.weight.rawValue), nor emulate it",
        fix: "choose one of the formats of its <gemm> paths with --precision")
    }
    if !shape.isDynamic, shape.activation.bits <= 8, choice.shape.activation == shape.activation {
      // The kernel before has stored its result in this format with a known scale: nothing is left to quantise.
      (choice.path.prelude, choice.path.preludeBytes) = (0, 0)
    }
    let own = estimate(contraction, choice)
    guard let native = native(contraction, shape, emulated: choice), native.seconds > own.seconds else { return own }
    return native.standing(for: own)
  }

  private func estimate(_ contraction: Contraction, _ choice: GEMMPathChoice) -> ContractionEstimate {
    guard let convolution = contraction.convolution else {
      return ContractionEstimate(gemm.estimate(choice.shape, on: choice.path), choice, gpu)
    }
    return fastest(convolution, choice)
  }

  /// The same product in the 16-bit format that the machine has beside the emulated one; nil when it has none.
  ///
  /// Emulation reads as many bytes and starts as many kernels: what it seems to gain for few rows is the matrix-vector kernel of fp32,
  /// for which no 16-bit timings exist.
  private func native(_ contraction: Contraction, _ shape: GEMMShape, emulated: GEMMPathChoice) -> ContractionEstimate? {
    guard emulated.shape.storedOperands != nil, shape.activation.bits == 16 else { return nil }
    var twin = shape
    twin.activation = .float16
    if twin.weight.bits == 16 { twin.weight = .float16 }
    if twin.output.bits == 16 { twin.output = .float16 }
    guard let choice = gemm.choosePath(for: twin), choice.notes.isEmpty else { return nil }
    return estimate(contraction, choice)
  }
}

extension GEMMShape {
  /// The product behind a contraction; a convolution is an implicit product whose A is read with overlap.
  package init(_ contraction: Contraction) {
    let quantization = contraction.rhs.encoding.quantization
    var isBlockScaled = false
    if case .group = quantization?.granularity {
      isBlockScaled = contraction.lhs.storage.bits <= 8 && contraction.lhs.storage.isFloat
    }
    self.init(
      batch: contraction.batch, m: contraction.m, n: contraction.n, k: contraction.k,
      activation: contraction.lhs.storage,
      weight: contraction.rhs.storage, output: contraction.output.storage, isBlockScaled: isBlockScaled,
      isDynamic: contraction.lhs.encoding.quantization?.isDynamic ?? false,
      isSparse: contraction.rhs.encoding.sparsity == .twoOfFour,
      activationBytes: contraction.convolution == nil ? nil : Double(contraction.lhs.bytes))
  }
}

extension ContractionEstimate {
  /// This time for a product that runs in another format.
  fileprivate func standing(for other: ContractionEstimate) -> ContractionEstimate {
    var result = self
    (result.format, result.notes) = (other.format, other.notes + ["no faster than in \(format)"])
    return result
  }

  init(_ estimate: GEMMEstimate, _ choice: GEMMPathChoice, _ gpu: GPUDescription) {
    let sparse = choice.shape.isSparse ? " 2:4" : ""
    self.init(
      seconds: estimate.seconds, floorSeconds: min(estimate.floorSeconds, estimate.seconds),
      bound: estimate.bound(choice),
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
