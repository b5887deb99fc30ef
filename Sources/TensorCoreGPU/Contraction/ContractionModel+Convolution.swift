internal import Basic
internal import IR
internal import Results

extension ContractionModel {
  /// The fastest of the algorithms the library has for a convolution: implicit product, Winograd F(2×2, 3×3) or Fourier
  /// tiles on the ordinary cores, or a direct walk over the image when groups leave a matrix tile mostly empty.
  func fastest(_ convolution: Convolution, _ choice: GEMMPathChoice) -> ContractionEstimate {
    let library = gpu.gemm.convolution
    var choice = choice
    let channels = max(1, convolution.inputChannels / max(1, convolution.groups))
    let piece = max(1, Int(16 / choice.path.operandBytes))
    if library.narrowChannels == .cores, choice.path.instruction.feed != .cores, channels % piece != 0,
      let cores = gpu.gemm.paths.first(where: { $0.instruction.feed == .cores })
    {
      choice.path = cores
      choice.path.issueEfficiency *= library.narrowShare
      choice.notes.append("\(channels) channels are no multiple of \(piece): computed on the ordinary cores")
    }
    choice.path.splitLimit = min(choice.path.splitLimit, library.splitLimit)
    choice.path.lead += library.prelude
    // Matrix-vector kernels read plain matrices, not windows of an image.
    if convolution.kernel.contains(where: { $0 > 1 }) { choice.path.vector = nil }
    if choice.path.instruction.feed == .cores {
      choice.path.issueEfficiency *= library.coreShare
      // The kernels that slice a step are the matrix library's alone.
      choice.path.tiles.removeAll { $0.issueShare < 1 }
    } else {
      choice.shape.padChannels(channels, to: piece, of: convolution)
      if convolution.strides.contains(where: { $0 > 1 }) { choice.path.latency *= library.stridedLatency }
    }
    let product = ContractionEstimate(gemm.estimate(choice.shape, on: choice.path), choice, gpu)
    let others =
      convolution.groups > 1
      ? [directEstimate(convolution, choice)]
      : [winogradEstimate(convolution, choice), fourierEstimate(convolution, choice)].compactMap { $0 }
    var best = others.reduce(product) { $1.seconds < $0.seconds ? $1 : $0 }
    // No schedule is faster than the floor, whichever algorithm it takes.
    best.floorSeconds = others.reduce(product.floorSeconds) { min($0, $1.floorSeconds) }
    return best
  }

  /// A depthwise or narrow grouped convolution on the ordinary cores: every tap is a load from the L1 and a multiply-add,
  /// the image passes device memory once.
  private func directEstimate(_ convolution: Convolution, _ choice: GEMMPathChoice) -> ContractionEstimate {
    let shape = choice.shape
    let elements = Double(shape.batch) * Double(shape.m) * Double(shape.n)
    let macs =
      elements * Double(convolution.kernel.reduce(1, *))
      * Double(max(1, convolution.inputChannels / convolution.groups))
    let input = shape.activationBytes ?? 0
    let output = shape.resultBytes
    let held = shape.residency
    let bytes =
      input * (1 - (held?.activation ?? 0)) + output * (1 - (held?.stored ?? 0))
      + shape.epilogueBytes * (1 - (held?.epilogue ?? 0))
    let memory = max(
      bytes / (gpu.memory.bandwidth * gpu.memory.efficiency),
      gpu.seconds((input + output + shape.epilogueBytes) / gpu.l2BytesPerClock))
    let slots = gpu.gemm.convolution.directSlots
    let arithmetic = slots * macs / (gpu.sm.fp32Lanes * Double(gpu.smCount) * gpu.boostClock)
    let busy = max(memory, arithmetic)
    let seconds = gpu.launch.graph + gpu.seconds(gpu.gemm.fill + gpu.gemm.epilogue) + busy + gpu.memory.skew.time(memory)
    let bound: Bound = busy < seconds / 2 ? .launch : (memory >= arithmetic ? .memory : .compute)
    let reason =
      switch bound {
      case .launch: "starting and filling the kernel takes more than its \(Format.seconds(busy)) of work"
      case .memory: "\(Format.bytes(bytes)) pass device memory once"
      default: "\(Format.count(macs)) multiply-adds on the ordinary cores, with a load for each"
      }
    let floor = max(bytes > gpu.l2.capacity ? bytes / gpu.memory.bandwidth : 0, arithmetic / slots)
    return ContractionEstimate(
      seconds: seconds, floorSeconds: min(floor, seconds), bound: bound, reason: reason,
      choice: "direct convolution, \(convolution.groups) groups", format: shape.activation.rawValue,
      bytes: ["dram": bytes, "l2": input * 2 + output],
      energy: bytes * gpu.memory.energyPerByte + gpu.power.idle * seconds,
      figures: ["launch": gpu.launch.graph], notes: choice.notes)
  }

  /// Winograd F(2×2, 3×3): sixteen products with 2.25 times fewer multiply-adds, between two transforms that stream the
  /// images in and out at four times their size.
  private func winogradEstimate(_ convolution: Convolution, _ choice: GEMMPathChoice) -> ContractionEstimate? {
    guard choice.path.instruction.feed == .cores, convolution.kernel == [3, 3], convolution.strides == [1, 1],
      convolution.dilations == [1, 1], !convolution.isTransposed, convolution.inputChannels >= 16,
      choice.shape.batch == 1
    else { return nil }
    var choice = choice
    let patches = convolution.output.reduce(1) { $0 * (($1 + 1) / 2) }
    let image = choice.shape.activationBytes ?? 0
    let result = choice.shape.resultBytes
    choice.shape.batch = 16
    choice.shape.m = convolution.images * patches
    choice.shape.k = convolution.inputChannels
    choice.shape.activationBytes = 4 * image
    choice.shape.epilogueBytes = 0
    choice.path.issueEfficiency /= gpu.gemm.convolution.coreShare
    var estimate = ContractionEstimate(gemm.estimate(choice.shape, on: choice.path), choice, gpu)
    let moved = 5 * (image + result)
    let transforms = 2 * gpu.launch.graph + moved / (gpu.memory.bandwidth * gpu.memory.efficiency)
    estimate.seconds += transforms
    estimate.choice = "Winograd F(2×2, 3×3), " + estimate.choice
    estimate.reason += "; transforms stream \(Format.bytes(moved))"
    estimate.bytes["dram", default: 0] += moved
    estimate.energy += moved * gpu.memory.energyPerByte + gpu.power.idle * transforms
    estimate.figures["transforms"] = transforms
    return estimate
  }
}

extension GEMMShape {
  /// Matrix instructions load 16-byte pieces of channels, half a piece at least. An image with at most four channels is
  /// padded to four, so that neighbouring pixels fill a piece together and a row of the filter is read in whole ones.
  fileprivate mutating func padChannels(_ channels: Int, to piece: Int, of convolution: Convolution) {
    guard k % channels == 0 else { return }
    func padded(_ extent: Int) -> Int { (extent + piece - 1) / piece * piece }
    let taps = k / channels
    k = taps * (channels < piece ? max(channels, piece / 2) : padded(channels))
    let row = max(1, convolution.kernel.last ?? 1)
    if channels <= 4, convolution.groups == 1, convolution.dilations.allSatisfy({ $0 == 1 }) {
      k = min(k, taps / row * padded(4 * row))
    }
  }
}
