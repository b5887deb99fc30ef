internal import Basic
internal import Engine

extension FPGA {
  /// Throws with demand, bound and lever for every resource that overflows.
  func checkFit(_ pipeline: PipelineEstimate, _ unfolded: PipelineDesign) throws(Failure) {
    let excess = description.part.excess(pipeline.synthesised)
    guard !excess.isEmpty else { return }
    let lever = lever(unfolded)
    throw Failure(excess.map { .error("\(description.part.name) cannot hold the pipeline: \($0.text)", fix: lever) })
  }

  /// What would make the pipeline fit: first what was asked for and asks for too much.
  private func lever(_ unfolded: PipelineDesign) -> String {
    let wish = description.request
    let smaller = "use a larger part, fewer bits (--set hls.fixed-bits) or a smaller model"
    if wish.frameRate > 0 {
      guard let best = FoldingSearch(model: model, design: unfolded).fastestFitting() else {
        return "even the most folded pipeline\(fixed(wish)) is too large: \(smaller)"
      }
      let slowest = best.design.layers.map { model.estimate($0).stage.cyclesPerFrame }.max() ?? 1
      let rate = Int(description.clock / Double(max(1, slowest)))
      return "hls.frame-rate=\(Format.number(wish.frameRate)) folds too little: about \(rate) frames per second fit"
    }
    guard wish.reuse == 0 else { return "raise the reuse factor (--set hls.reuse), or let it be chosen (--set hls.reuse=0)" }
    let others = unfolding(wish)
    return "even the most folded pipeline\(fixed(wish)) is too large: \(others.isEmpty ? "" : others + ", or ")\(smaller)"
  }

  /// What the most folded pipeline still has of the request.
  private func fixed(_ wish: FPGADescription.Request) -> String {
    var parts: [String] = []
    if !wish.folding.isEmpty { parts.append("hls.folding=\(wish.folding)") }
    if wish.strategy == .latency { parts.append("hls.strategy=latency") }
    return parts.isEmpty ? "" : " with \(parts.joined(separator: " and "))"
  }

  private func unfolding(_ wish: FPGADescription.Request) -> String {
    var parts: [String] = []
    if !wish.folding.isEmpty { parts.append("leave layers to the search (hls.folding)") }
    if wish.strategy == .latency { parts.append("take --set hls.strategy=resource, which folds further") }
    return parts.joined(separator: ", ")
  }
}
