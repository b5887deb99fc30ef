internal import Engine

extension LayerModel {
  /// A layer as FINN nodes: sliding window and matrix-vector unit for kernels, one node otherwise.
  func finn(_ layer: LayerSpec) -> LayerEstimate {
    var result = LayerEstimate()
    var runs: [StageRun]
    if layer.kernelOutputs > 0 {
      let folding =
        layer.processing ?? FINNFolding(layer: layer, steps: max(1, layer.reuse), wordBits: profile.weightWordBits)
      result.folding = folding
      runs = layer.kind == .dense ? finnDense(layer, folding, &result) : finnWindow(layer, folding, &result)
      finnArea(layer, folding, &result)
    } else {
      let words = max(1, layer.pixels)
      switch layer.kind {
      case .pool:
        let taps = layer.kernelHeight * layer.kernelWidth
        result.reportedLatency = FINNNode.pool(channels: 1, taps: taps, pe: 1, words: layer.outputPixels)
        runs = StreamSchedule.window(layer, window: taps, skip: 1, latency: taps)
      case .globalPool: runs = StreamSchedule.gather(words, tail: 1)
      case .padding: runs = StreamSchedule.padding(layer, copy: 1, row: 0, loops: 0, depth: 1)
      case .resize: runs = StreamSchedule.expand(words, copies: max(1, layer.outputPixels / words))
      case .copy: runs = StreamSchedule.reorder(reads: words, writes: max(1, layer.outputPixels))
      default: runs = StreamSchedule.elementwise(words, depth: 1)
      }
      result.synthesised = Area(lut: 2 * layer.channels * layer.dataBits, ff: 2 * layer.channels * layer.dataBits)
    }
    result.stage = DataflowStage(name: layer.name, frame: runs, restart: 0)
    if result.reportedLatency == 0 { result.reportedLatency = result.stage.cyclesPerFrame }
    result.reportedLatencyBest = result.reportedLatency
    result.reportedInterval = result.reportedLatency
    result.reported = result.synthesised
    return result
  }

  private func finnDense(_ layer: LayerSpec, _ folding: FINNFolding, _ result: inout LayerEstimate) -> [StageRun] {
    let words = max(1, layer.pixels)
    result.reportedLatency = FINNNode.matrixVector(
      inputs: layer.kernelInputs, outputs: layer.kernelOutputs, pe: folding.pe, simd: folding.simd, words: 1)
    return StreamSchedule.gather(words, tail: max(1, folding.steps - words))
  }

  /// The unit that is slower per window sets the pace: giving the window word by word, or multiplying it.
  private func finnWindow(_ layer: LayerSpec, _ folding: FINNFolding, _ result: inout LayerEstimate) -> [StageRun] {
    let folds = max(1, layer.channels / max(1, layer.groups) / folding.simd)
    let window = FINNNode.Window(layer: layer, folds: folds, isDepthwise: layer.groups > 1)
    let multiply = FINNNode.matrixVector(
      inputs: layer.kernelInputs, outputs: layer.kernelOutputs, pe: folding.pe, simd: folding.simd,
      words: layer.outputPixels)
    let isPointwise = layer.kernelHeight * layer.kernelWidth == 1
    result.reportedLatency = isPointwise ? multiply : max(window.cycles, multiply)
    let perWindow = max(folding.steps, isPointwise ? 1 : layer.kernelHeight * layer.kernelWidth * folds)
    return StreamSchedule.window(layer, window: perWindow, skip: folds, latency: perWindow)
  }

  private func finnArea(_ layer: LayerSpec, _ folding: FINNFolding, _ result: inout LayerEstimate) {
    let blocks = FINNNode.matrixVectorBlocks(
      pe: folding.pe, simd: folding.simd, weightBits: layer.weightBits, dataBits: layer.dataBits, block: part.block)
    var lut = FINNNode.matrixVectorTables(
      inputs: layer.kernelInputs, pe: folding.pe, simd: folding.simd, weightBits: layer.weightBits,
      dataBits: layer.dataBits,
      usesBlocks: blocks > 0)
    let depth = max(1, layer.weightCount / max(1, folding.pe * folding.simd))
    let width = folding.pe * folding.simd * layer.weightBits
    var halves = 0
    if depth > profile.memory.lutROMDepth {
      halves = FINNNode.weightBlocks(
        inputs: layer.kernelInputs, outputs: layer.kernelOutputs, pe: folding.pe, simd: folding.simd,
        bits: layer.weightBits,
        ladder: part.memory.block)
    } else {
      lut += (depth + 63) / 64 * width
    }
    if layer.kernelHeight > 1 || layer.kernelWidth > 1 {
      // The window unit: control and (kh - 1) rows in look-up memory or blocks.
      let rows = (layer.kernelHeight - 1) * layer.dilationHeight * layer.width + layer.kernelWidth * layer.dilationWidth
      let place = part.memory.place(
        depth: rows, width: layer.channels * layer.dataBits, writable: true, allowUltra: false)
      lut += FINNNode.controlTables + (place.kind == .lut ? place.primitives : 0)
      halves += place.kind == .block ? place.primitives : 0
    }
    let ff =
      Int(profile.area.ffPerMultiplier * Double(folding.pe * folding.simd)) + layer.kernelOutputs
      * Int(profile.area.ffPerOutput)
    result.synthesised = Area(dsp: blocks, lut: lut, ff: ff, bram18: halves)
    result.blockPrimitives = halves
  }
}
