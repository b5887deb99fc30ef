extension LayerModel {
  /// Resources of one layer in both accounts.
  ///
  ///     LUT = a·data bits·inputs + b·multipliers + (c + d·weight bits)·outputs        (+ e·additions, unrolled)
  ///
  /// and the same form for flip-flops; the coefficients are the profile's. The reported account divides by the share that
  /// logic synthesis keeps.
  func area(_ layer: LayerSpec, _ result: inout LayerEstimate) {
    let law = profile.area
    let multipliers = multiplierCount(layer)
    let blocks = multipliers * productBlocks(layer)
    // Between registers an unrolled kernel is nothing but its multipliers and additions.
    let isBare = layer.transfer == .parallel && layer.strategy == .latency
    let window = isBare ? 0 : Double(layer.windowInputs * layer.dataBits)
    let outputs = isBare ? 0 : Double(layer.kernelOutputs)
    var lut = law.lutPerInputBit * window + (isBare ? 0 : law.lutPerMultiplier) * Double(blocks)
    lut += (law.lutPerOutput + law.lutPerOutputWeightBit * Double(layer.weightBits)) * outputs
    var ff = law.ffPerInputBit * window + law.ffPerMultiplier * Double(blocks) + law.ffPerOutput * outputs
    if !isBare { ff += law.ffPerLayer }
    if layer.strategy == .latency, layer.kernelOutputs > 0 {
      let weights = weights(of: layer)
      let additions = Double(max(0, layer.weightCount - weights.zeros - layer.kernelOutputs) + weights.twoDigit)
      lut += law.lutPerAddition * additions
      ff += law.ffPerAddition * additions
    }
    if productBlocks(layer) == 0, multipliers > 0 {
      lut += Double(multipliers) * Self.tableMultiplier(layer.dataBits, layer.weightBits)
    }
    if layer.kind == .activation || layer.kind == .scaled {
      lut += law.lutPerActivation * Double(layer.channels)
      if !isBare || period < profile.kernel.relaxedPeriod { ff += law.ffPerActivation * Double(layer.channels) }
    }
    if layer.kind == .softmax, layer.transfer == .parallel {
      lut += law.lutPerSoftmax * Double(layer.channels)
      ff += law.ffPerSoftmax * Double(layer.channels)
    }
    result.synthesised = Area(dsp: blocks, lut: Int(lut.rounded()), ff: Int(ff.rounded()))
    result.reported = Area(
      dsp: blocks, lut: Int((lut / law.lutKept).rounded()), ff: Int((ff / law.ffKept).rounded()))
    memory(layer, &result)
    let windowBlocks = windowMemory(layer, &result)
    result.synthesised.ff += Int((law.ffPerWindowFIFO * Double(windowBlocks)).rounded())
    reportLogic(layer, &result)
  }

  /// Parallel multipliers that need a multiplier at all.
  package func multiplierCount(_ layer: LayerSpec) -> Int {
    switch layer.kind {
    case .convolution, .dense:
      layer.strategy == .resource ? layer.multipliers : latencyKernel(layer).multipliers
    case .scaled: layer.channels
    case .softmax:
      if layer.transfer == .parallel {
        layer.channels
      } else if profile.timing.softmaxShared == profile.timing.softmaxUnrolled {
        0
      } else {
        sharesSoftmax(layer) ? 1 : (layer.channels + 1) / 2
      }
    default: 0
    }
  }

  /// Look-up tables of an a x b multiplier: one partial product row of a + 1 per two bits of b.
  static func tableMultiplier(_ a: Int, _ b: Int) -> Double {
    guard a > 1, b > 1 else { return Double(max(a, b)) }
    return Double((a + 1) * ((b + 1) / 2))
  }

  /// Weight ROMs and tables.
  private func memory(_ layer: LayerSpec, _ result: inout LayerEstimate) {
    if layer.kind == .softmax, layer.transfer == .parallel {
      // Each element reads its own copy of the exponential table.
      return add(&result, reported: layer.channels, primitives: layer.channels, halves: 1)
    }
    if layer.kind == .softmax {
      let unrolled = sharesSoftmax(layer) || profile.timing.softmaxShared == profile.timing.softmaxUnrolled ? 0 : 1
      add(
        &result, reported: profile.memory.softmaxBlocks + unrolled, primitives: profile.memory.softmaxBlocks + unrolled,
        halves: 1)
      return
    }
    if layer.kind == .table {
      // One 1024 x 18 table per element evaluated side by side, as the generated code declares.
      let blocks = part.memory.block.primitives(depth: 1024, width: 18) * layer.channels
      return add(&result, reported: blocks, primitives: blocks, halves: 1)
    }
    guard layer.strategy == .resource, layer.weightCount > 0 else { return }
    let depth = layer.effectiveReuse.effective
    guard depth > 1 else { return }
    if profile.memory.indexTables, depth > layer.kernelInputs {
      let bits = Int.bitWidth - max(1, layer.kernelOutputs - 1).leadingZeroBitCount
      let blocks = part.memory.block.primitives(depth: depth, width: bits)
      add(&result, reported: blocks, primitives: blocks, halves: 1)
    }
    guard profile.memory.tableWeightBits == 0 || layer.weightBits < profile.memory.tableWeightBits else { return }
    let width = layer.multipliers * layer.weightBits
    let reported = romBlocks(depth: depth, width: width)
    guard depth > profile.memory.lutROMDepth else {
      result.reported.bram18 += reported
      result.synthesised.lut += part.memory.lut.primitives(depth: depth, width: width)
      return
    }
    let isWide = profile.memory.romWidth > 36 && depth <= 512
    let primitives = isWide ? (width + profile.memory.romWidth - 1) / profile.memory.romWidth : reported
    add(&result, reported: reported, primitives: primitives, halves: isWide ? 2 : 1)
  }

  /// Halves for a ROM; a last slice of at most 4 bits goes to look-up tables.
  private func romBlocks(depth: Int, width: Int) -> Int {
    let whole = part.memory.block.primitives(depth: depth, width: width)
    guard width > 4 else { return whole }
    return min(whole, part.memory.block.primitives(depth: depth, width: width - 4))
  }

  private func windowMemory(_ layer: LayerSpec, _ result: inout LayerEstimate) -> Int {
    guard profile.memory.windowFIFOs, layer.kind == .convolution else { return 0 }
    guard layer.kernelHeight * layer.kernelWidth > 1 else { return 0 }
    let depth = layer.kernelWidth * layer.outputWidth
    let each = part.memory.block.primitives(depth: depth, width: layer.dataBits)
    let count = layer.windowInputs * each
    if depth * layer.dataBits >= profile.memory.reportedFIFOBits { result.reported.bram18 += count }
    guard depth > profile.memory.shiftRegisterDepth else { return 0 }
    result.synthesised.bram18 += count
    result.blockPrimitives += count
    return count
  }

  private func add(_ result: inout LayerEstimate, reported: Int, primitives: Int, halves: Int) {
    result.reported.bram18 += reported
    result.synthesised.bram18 += primitives * halves
    result.blockPrimitives += primitives
  }
}
