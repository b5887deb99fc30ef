package import Engine

/// Layers joined by streams: what the tool builds, before any number is known.
package struct PipelineDesign: Sendable, Hashable {
  /// A stream from one layer to another, by index.
  package struct Stream: Sendable, Hashable {
    package var from: Int
    package var to: Int

    package init(from: Int, to: Int) {
      self.from = from
      self.to = to
    }
  }

  package var name: String
  package var layers: [LayerSpec]
  package var streams: [Stream]
  package var transfer: Transfer

  package init(name: String, layers: [LayerSpec], streams: [Stream], transfer: Transfer) {
    self.name = name
    self.layers = layers
    self.streams = streams
    self.transfer = transfer
  }

  /// A chain: every layer feeds the next.
  package init(chain layers: [LayerSpec], name: String, transfer: Transfer) {
    self.init(
      name: name, layers: layers,
      streams: (1..<max(1, layers.count)).map { Stream(from: $0 - 1, to: $0) }, transfer: transfer)
  }
}

/// What a design costs and how it runs.
package struct PipelineEstimate: Sendable {
  package var layers: [LayerEstimate]
  package var network: DataflowNetwork
  /// Cycles the synthesis report states for the whole design.
  package var reportedLatency: Int
  package var reportedLatencyBest: Int
  package var reportedInterval: Int
  package var reported: Area
  package var synthesised: Area
  package var blockPrimitives: Int
}

extension LayerModel {
  /// Estimates a whole design: layers, FIFOs of the tool's default depth (one whole tensor), totals.
  package func estimate(_ design: PipelineDesign) throws(DataflowNetworkError) -> PipelineEstimate {
    let layers = design.layers.map(estimate)
    var fifos: [DataflowFIFO] = []
    for stream in design.streams {
      let producer = design.layers[stream.from]
      let words = max(1, layers[stream.from].stage.writesPerFrame)
      let lanes = profile.memory.channelFIFOs ? max(1, producer.outputChannels) : 1
      fifos.append(
        DataflowFIFO(
          name: "\(producer.name)->\(design.layers[stream.to].name)", producer: stream.from, consumer: stream.to,
          depth: words, width: producer.dataBits * max(1, producer.outputChannels) / lanes, lanes: lanes))
    }
    let network = try DataflowNetwork(
      stages: layers.map(\.stage), fifos: fifos,
      framesInFlight: profile.timing.framesInFlight > 0 ? profile.timing.framesInFlight : nil)
    let result = PipelineEstimate(
      layers: layers, network: network, reportedLatency: 0, reportedLatencyBest: 0, reportedInterval: 0,
      reported: Area(), synthesised: Area(), blockPrimitives: 0)
    return totalled(result, design)
  }

  /// Adds up layers and FIFOs at their present depths.
  package func totalled(_ estimate: PipelineEstimate, _ design: PipelineDesign) -> PipelineEstimate {
    var result = estimate
    result.reported = estimate.layers.reduce(Area()) { $0 + $1.reported }
    result.synthesised = estimate.layers.reduce(Area()) { $0 + $1.synthesised }
    result.blockPrimitives = estimate.layers.reduce(0) { $0 + $1.blockPrimitives }
    switch design.transfer {
    case .parallel: parallelTotals(design, &result)
    case .stream: streamTotals(design, &result)
    }
    return result
  }

  /// Whole tensors in registers: layers run one after another, each with a cycle of hand-over.
  ///
  /// A convolution goes through its kernel once per output pixel (one partition).
  private func parallelTotals(_ design: PipelineDesign, _ result: inout PipelineEstimate) {
    for stream in design.streams {
      let giver = design.layers[stream.from]
      result.reported = result.reported + reportedLogic(lanes: giver.outputPixels * giver.outputChannels, giver.strategy)
    }
    let kernels = design.layers.indices.filter { design.layers[$0].kernelOutputs > 0 }
    if kernels.contains(where: { design.layers[$0].strategy == .resource }) {
      for index in kernels {
        let layer = design.layers[index]
        result.layers[index].parallelCycles = layer.effectiveReuse.effective * layer.outputPixels
      }
      let loops = kernels.reduce(0) { $0 + result.layers[$1].parallelCycles }
      result.reportedLatencyBest = loops + 2 * kernels.count - 1
      result.reportedLatency = result.reportedLatencyBest + kernels.count
      result.reportedInterval = result.reportedLatency
      return
    }
    let parts = design.layers.map(parallelLatency)
    for (index, part) in parts.enumerated() { result.layers[index].parallelCycles = part.latency }
    let total = parts.reduce(0) { $0 + $1.latency }
    let isPipelinedEveryCycle = kernels.allSatisfy { design.layers[$0].reuse <= 1 }
    result.reportedLatency = total + design.layers.count - 1 + (isPipelinedEveryCycle ? kernels.count : 0)
    result.reportedLatencyBest = result.reportedLatency
    result.reportedInterval = parts.map(\.interval).max() ?? 1
  }

  /// Latency and interval of one latency-strategy layer between registers.
  package func parallelLatency(_ layer: LayerSpec) -> (latency: Int, interval: Int) {
    let isFast = period < profile.kernel.relaxedPeriod
    switch layer.kind {
    case .dense, .convolution:
      let kernel = latencyKernel(layer)
      return (kernel.latency + (layer.outputPixels - 1) * kernel.interval, kernel.interval * layer.outputPixels)
    case .softmax:
      // Two trees (maximum, sum), two table reads and one product; a fast clock takes three cycles per pair of levels.
      let levels = LatencyKernel.treeLevels(layer.channels)
      let usesBlocks = productBlocks(layer) > 0
      return isFast ? (3 * levels + (usesBlocks ? 7 : 4), 1) : (2 * levels + (usesBlocks ? 6 : 4), 1)
    default: return (isFast ? 1 : 0, 1)
    }
  }

  /// Words in FIFOs: the slowest stage, then what drains behind the last convolution stage by stage.
  private func streamTotals(_ design: PipelineDesign, _ result: inout PipelineEstimate) {
    for fifo in result.network.fifos {
      let halves = fifo.lanes * part.memory.block.primitives(depth: fifo.depth, width: fifo.width)
      if fifo.depth * fifo.width >= profile.memory.reportedFIFOBits { result.reported.bram18 += halves }
      if fifo.depth > profile.memory.shiftRegisterDepth {
        result.synthesised.bram18 += halves
        result.blockPrimitives += halves
      }
      result.reported = result.reported + reportedLogic(lanes: fifo.lanes, design.layers[fifo.producer].strategy)
    }
    let slowest = result.layers.map(\.reportedLatency).max() ?? 0
    let last = design.layers.lastIndex { $0.kind == .convolution } ?? -1
    var drain = 0
    for index in design.layers.indices where index > last && result.layers[index].reportedLatency < slowest {
      let layer = design.layers[index]
      // A stage that needs the whole frame adds all of its cycles, a streaming one its words.
      drain +=
        layer.kind == .dense ? result.layers[index].reportedLatency : layer.pixels + profile.timing.activationDepth
    }
    result.reportedLatency = slowest + 1 + drain
    result.reportedLatencyBest = result.reportedLatency
    result.reportedInterval = slowest + 1
  }
}
