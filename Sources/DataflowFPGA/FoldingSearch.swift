/// Chooses a reuse factor per layer so that no layer is faster than the slowest needs to be.
package struct FoldingSearch: Sendable {
  package let model: LayerModel
  /// Foldings of every layer with what they cost, by factor, ascending; exactly one where there is nothing to choose.
  private let options: [[Option]]
  private let design: PipelineDesign

  private struct Option {
    /// Nil: the layer stays as it is.
    var reuse: Int?
    var cycles: Int
    var area: Area
  }

  package init(model: LayerModel, design: PipelineDesign) {
    self.model = model
    self.design = design
    options = design.layers.map { layer in
      func option(_ candidate: LayerSpec, _ reuse: Int?) -> Option {
        let estimate = model.estimate(candidate)
        return Option(reuse: reuse, cycles: estimate.stage.cyclesPerFrame, area: estimate.synthesised)
      }
      let factors = layer.kernelOutputs > 0 && !layer.isFolded ? Self.factors(layer, model.profile) : []
      guard !factors.isEmpty else { return [option(layer, nil)] }
      return factors.map { reuse in
        var candidate = layer
        candidate.reuse = reuse
        return option(candidate, reuse)
      }
    }
  }

  /// The most folded design whose layers all take at most `cycles` per frame, then relaxed to its own slowest layer.
  package func design(cycles: Int) -> PipelineDesign { apply(relaxed(cycles: cycles)) }

  /// The fastest design that the part holds, and the resource that keeps it from a faster one; nil when not even the most folded one
  /// fits.
  package func fastestFitting() -> (design: PipelineDesign, limit: ResourceLimit?)? {
    var low = 0
    var high = options.joined().map(\.cycles).max() ?? 1
    var best = relaxed(cycles: high)
    guard fits(best) else { return nil }
    var limit: ResourceLimit?
    while high - low > max(1, low / 64) {
      let middle = low + (high - low) / 2
      let candidate = relaxed(cycles: middle)
      if fits(candidate) {
        best = candidate
        high = middle
      } else {
        low = middle
        limit = excess(candidate).max { $0.share < $1.share }
      }
    }
    return (apply(best), limit)
  }

  /// Whether a design's layers fit the usable share of the part (FIFOs are sized later and small beside weights).
  package func fits(_ design: PipelineDesign) -> Bool {
    let total = design.layers.reduce(Area()) { $0 + model.estimate($1).synthesised }
    return model.part.excess(total).isEmpty
  }

  private func fits(_ choice: [Option]) -> Bool { excess(choice).isEmpty }

  private func excess(_ choice: [Option]) -> [ResourceLimit] { model.part.excess(choice.reduce(Area()) { $0 + $1.area }) }

  private func relaxed(cycles: Int) -> [Option] {
    let first = pick(cycles: cycles)
    return pick(cycles: max(cycles, first.map(\.cycles).max() ?? cycles))
  }

  private func pick(cycles: Int) -> [Option] {
    options.compactMap { options in options.last { $0.cycles <= cycles } ?? options.first }
  }

  private func apply(_ choice: [Option]) -> PipelineDesign {
    var result = design
    for (index, option) in choice.enumerated() {
      if let reuse = option.reuse { result.layers[index].reuse = reuse }
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
