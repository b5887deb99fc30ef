internal import Basic
internal import IR
internal import Results

extension ContractionModel {
  /// Convolution in 32 × 32 Fourier tiles on the ordinary cores: 32·17 complex products of channels × filters per tile.
  ///
  /// Spectra of image, filters and result are written and read once; filters of 5 × 5 and more on narrow layers gain.
  func fourierEstimate(_ convolution: Convolution, _ choice: GEMMPathChoice) -> ContractionEstimate? {
    guard choice.path.instruction.feed == .cores, convolution.kernel.count == 2,
      convolution.kernel.allSatisfy({ $0 >= 5 && $0 < 16 }),
      convolution.strides == [1, 1], convolution.dilations == [1, 1], !convolution.isTransposed, choice.shape.batch == 1
    else { return nil }
    let side = 32
    let tiles = zip(convolution.output, convolution.kernel).reduce(convolution.images) {
      $0 * (($1.0 + side - $1.1) / (side - $1.1 + 1))
    }
    let frequencies = Double(side * (side / 2 + 1))
    let spectrum = frequencies * 8
    let channels = Double(convolution.inputChannels)
    let filters = Double(convolution.outputChannels)
    let spectra = spectrum * (Double(tiles) * (channels + filters) + channels * filters)
    let result = choice.shape.resultBytes
    let bytes = 2 * spectra + (choice.shape.activationBytes ?? 0) + result
    // A complex product is four real multiply-adds; a transform of n points takes about 2·n·log2(n) of them.
    let transforms = (Double(tiles) * (channels + filters) + channels * filters) * 2 * 1024 * 10
    let macs = 4 * frequencies * Double(tiles) * channels * filters + transforms
    let memory = bytes / (gpu.memory.bandwidth * gpu.memory.efficiency)
    let arithmetic = macs / (gpu.sm.fp32Lanes * Double(gpu.smCount) * gpu.boostClock * choice.path.issueEfficiency)
    let starts = 4 * (gpu.launch.graph + gpu.seconds(gpu.gemm.fill)) + choice.path.lead
    let seconds = starts + max(memory, arithmetic)
    let floor = max(
      ((choice.shape.activationBytes ?? 0) + result > gpu.l2.capacity ? result : 0) / gpu.memory.bandwidth, 0)
    return ContractionEstimate(
      seconds: seconds, floorSeconds: min(floor, seconds), bound: memory >= arithmetic ? .memory : .compute,
      reason: "\(Format.bytes(2 * spectra)) of spectra pass device memory between three transforms and the products",
      choice: "Fourier tiles 32×32", format: choice.shape.activation.rawValue, bytes: ["dram": bytes],
      energy: bytes * gpu.memory.energyPerByte + macs * choice.path.instruction.energy + gpu.power.idle * seconds,
      figures: ["launch": starts], notes: choice.notes)
  }
}
