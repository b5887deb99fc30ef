/// Chooses a reuse factor per layer so that no layer is faster than the slowest needs to be.
package struct FoldingSearch: Sendable {
  package let model: LayerModel
  /// Cycles per frame each layer may take at most: legal factors of every layer with their cycles, ascending.
  private let options: [[Option]]
  private let design: PipelineDesign

  private struct Option {
    var reuse: Int
    var cycles: Int
  }

  package init(model: LayerModel, design: PipelineDesign) {
    self.model = model
    self.design = design
    options = design.layers.map { layer in
      guard layer.kernelOutputs > 0 else { return [] }
      let factors = layer.isFolded ? [layer.reuse] : Self.factors(layer, model.profile)
      return factors.map { reuse in
        var candidate = layer
        candidate.reuse = reuse
        return Option(reuse: reuse, cycles: model.estimate(candidate).stage.cyclesPerFrame)
      }
    }
  }

  /// The most folded design whose layers all take at most `cycles` per frame, then relaxed to its own slowest layer.
  package func design(cycles: Int) -> PipelineDesign {
    let first = pick(cycles: cycles)
    let slowest = first.enumerated().map { index, choice in choice?.cycles ?? fixedCycles(index) }.max() ?? cycles
    return apply(pick(cycles: max(cycles, slowest)))
  }

  /// The fastest design that the part holds; nil when not even the most folded one fits.
  package func fastestFitting() -> PipelineDesign? {
    var low = 0
    var high = options.flatMap { $0 }.map(\.cycles).max() ?? 1
    var best = design(cycles: high)
    guard fits(best) else { return nil }
    while high - low > max(1, low / 64) {
      let middle = low + (high - low) / 2
      let candidate = design(cycles: middle)
      if fits(candidate) {
        best = candidate
        high = middle
      } else {
        low = middle
      }
    }
    return best
  }

  /// Whether a design's layers fit the usable share of the part (FIFOs are sized later and small beside weights).
  package func fits(_ design: PipelineDesign) -> Bool {
    let total = design.layers.reduce(Area()) { $0 + model.estimate($1).synthesised }
    return model.part.excess(total).isEmpty
  }

  private func pick(cycles: Int) -> [Option?] {
    options.map { options in options.last { $0.cycles <= cycles } ?? options.first }
  }

  private func fixedCycles(_ index: Int) -> Int { model.estimate(design.layers[index]).stage.cyclesPerFrame }

  private func apply(_ choice: [Option?]) -> PipelineDesign {
    var result = design
    for (index, option) in choice.enumerated() {
      if let option { result.layers[index].reuse = option.reuse }
    }
    return result
  }

  /// Factors worth trying, ascending.
  private static func factors(_ layer: LayerSpec, _ profile: ImplementationProfile) -> [Int] {
    switch (profile.folding, layer.strategy) {
    case (.processingElements, _): FINNFolding.sequence(layer, wordBits: profile.weightWordBits).map(\.steps).reversed()
    case (.reuse, .resource): ReuseFactor.legal(inputs: layer.kernelInputs, outputs: layer.kernelOutputs)
    case (.reuse, .latency): powers(of: 2, to: layer.weightCount)
    }
  }

  private static func powers(of base: Int, to limit: Int) -> [Int] {
    var result = [1]
    while let last = result.last, last <= limit / base { result.append(last * base) }
    return result
  }
}
