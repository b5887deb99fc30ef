internal import Basic
internal import Results

extension FPGAResult {
  /// Where to cut a pipeline that one die of the part cannot hold; nil when one die is enough.
  ///
  /// Streams may cross between dies at the price of registers, wide buses of weights may not; so the cut goes between
  /// stages, where the resource that is scarcest per die is spread evenly.
  var dieHint: Diagnostic? {
    let part = description.part
    guard part.dies > 1 else { return nil }
    let shares = pipeline.layers.map { dieShare($0.synthesised) }
    let total = shares.reduce(0, +)
    let needed = min(part.dies, Int(total.rounded(.up)))
    guard needed > 1 else { return nil }
    var cuts: [String] = []
    var filled = 0.0
    for (layer, share) in zip(design.layers, shares) {
      if filled + share / 2 > total * Double(cuts.count + 1) / Double(needed), cuts.count < needed - 1 {
        cuts.append("before '\(layer.name)'")
      }
      filled += share
    }
    return Diagnostic(
      .warning,
      "the pipeline fills \(needed) of the \(part.dies) dies of \(part.name); crossings between dies are not in the latency",
      fix: "place it by stages: cut \(cuts.joined(separator: " and "))")
  }

  /// Largest share of one die's usable resources.
  private func dieShare(_ area: Area) -> Double {
    let part = description.part
    return zip(part.capacity.named, area.named).map { have, need in
      let usable = Double(have.count) / Double(part.dies) * (part.usable[have.name] ?? 1)
      return usable > 0 ? Double(need.count) / usable : 0
    }.max() ?? 0
  }
}
