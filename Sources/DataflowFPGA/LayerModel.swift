internal import Engine

/// Turns layer specifications into cycles, schedules and resources under one tool profile on one part.
package struct LayerModel: Sendable {
  package let profile: ImplementationProfile
  package let part: FPGAPart
  /// Clock period, nanoseconds.
  package let period: Double

  package init(profile: ImplementationProfile, part: FPGAPart, period: Double) {
    self.profile = profile
    self.part = part
    self.period = period
  }

  package func estimate(_ layer: LayerSpec) -> LayerEstimate {
    guard profile.folding == .reuse else { return finn(layer) }
    var result = LayerEstimate()
    switch layer.kind {
    case .convolution: convolution(layer, &result)
    case .dense: dense(layer, &result)
    default: streaming(layer, &result)
    }
    result.stage.name = layer.name
    area(layer, &result)
    return result
  }

  // MARK: Cycles

  private func convolution(_ layer: LayerSpec, _ result: inout LayerEstimate) {
    let timing = profile.timing
    var window: Int
    var skip: Int
    switch layer.strategy {
    case .resource:
      let reuse = layer.effectiveReuse
      result.reuse = reuse
      window = reuse.effective + timing.convolution
      skip = timing.skip
      result.reportedLatency = layer.pixels * (reuse.effective + timing.convolutionReported)
      result.reportedLatencyBest = layer.pixels * timing.skip
    case .latency:
      let kernel = latencyKernel(layer)
      window = kernel.interval + timing.latencyStall
      skip = kernel.interval
      result.reportedLatency = layer.pixels * kernel.interval + timing.skip
      result.reportedLatencyBest = result.reportedLatency
    }
    result.reportedInterval = result.reportedLatency
    window = max(1, window)
    skip = max(1, skip)
    result.stage = DataflowStage(
      name: layer.name, frame: StreamSchedule.window(layer, window: window, skip: skip, latency: window))
  }

  private func dense(_ layer: LayerSpec, _ result: inout LayerEstimate) {
    let words = max(1, layer.pixels)
    var tail: Int
    switch layer.strategy {
    case .resource:
      let reuse = layer.effectiveReuse
      result.reuse = reuse
      tail = reuse.effective + profile.timing.dense
    case .latency: tail = latencyKernel(layer).latency + profile.timing.dense
    }
    tail = max(1, tail)
    result.reportedLatency = words + tail
    result.reportedLatencyBest = layer.strategy == .resource ? words + tail - 1 : words + tail
    result.reportedInterval = result.reportedLatency
    result.stage = DataflowStage(name: layer.name, frame: StreamSchedule.gather(words, tail: tail - 1))
  }

  /// The unrolled kernel of a latency-strategy layer; weights are assumed evenly spread when they are not known.
  package func latencyKernel(_ layer: LayerSpec) -> LatencyKernel {
    LatencyKernel(
      inputs: layer.kernelInputs, outputs: layer.kernelOutputs, reuse: layer.reuse, weights: weights(of: layer),
      usesBlocks: productBlocks(layer) > 0, period: period, timing: profile.kernel)
  }

  package func weights(of layer: LayerSpec) -> WeightStatistics {
    layer.weights
      ?? WeightStatistics(
        expectedFor: layer.kernelInputs, outputs: layer.kernelOutputs,
        bits: layer.weightBits - profile.kernel.idleWeightBits)
  }

  private func streaming(_ layer: LayerSpec, _ result: inout LayerEstimate) {
    let timing = profile.timing
    let words = max(1, layer.pixels)
    var runs: [StageRun]
    switch layer.kind {
    case .pool:
      let interval = max(1, layer.strategy == .latency ? timing.poolIntervalUnrolled : timing.poolInterval)
      runs = StreamSchedule.window(layer, window: interval, skip: interval, latency: max(interval, timing.poolDepth))
    case .globalPool: runs = StreamSchedule.gather(words, interval: max(1, timing.poolInterval), tail: timing.poolDepth)
    case .padding:
      let isWide = layer.padTop > 1 || layer.padLeft > 1
      runs = StreamSchedule.padding(
        layer, copy: isWide ? 1 + timing.paddingCopy : 1, row: isWide ? timing.paddingRow : 0,
        loops: isWide ? timing.paddingLoops : 0, depth: timing.activationDepth)
    case .softmax:
      let cycles = max(1, sharesSoftmax(layer) ? timing.softmaxShared : timing.softmaxUnrolled)
      runs = StreamSchedule.elementwise(words, interval: cycles, depth: cycles)
    case .resize: runs = StreamSchedule.expand(words, copies: max(1, layer.outputPixels / words))
    case .copy: runs = StreamSchedule.reorder(reads: words, writes: max(1, layer.outputPixels))
    default: runs = StreamSchedule.elementwise(words, depth: timing.activationDepth)
    }
    result.stage = DataflowStage(name: layer.name, frame: runs)
    result.reportedLatency = result.stage.isolatedLatency + (layer.kind == .softmax ? 0 : 1)
    result.reportedLatencyBest = result.reportedLatency
    result.reportedInterval = result.reportedLatency
  }

  /// A softmax whose reuse allows it uses one multiplier for all elements.
  func sharesSoftmax(_ layer: LayerSpec) -> Bool {
    layer.strategy == .resource && layer.reuse >= max(2, layer.channels)
  }

  /// Hard multipliers for one product of this layer; 0 when the tool uses look-up tables.
  package func productBlocks(_ layer: LayerSpec) -> Int {
    layer.forcesTables ? 0 : profile.multiplier.blocks(data: layer.dataBits, weight: layer.weightBits, on: part.block)
  }
}
