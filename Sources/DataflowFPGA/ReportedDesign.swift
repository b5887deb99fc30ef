/// A design put together from the layer rows of a report table.
struct ReportedDesign: Sendable {
  var rows: [ReportRow]
  var multipliers: [Int?]

  /// Layers in the order data flows: by the tool's numbering, with each padding right before the convolution it feeds.
  func assembled(name: String) -> PipelineDesign? {
    var layers: [LayerSpec] = []
    var paddings: [LayerSpec] = []
    let order = rows.indices.sorted { (rows[$0].index, rows[$0].line) < (rows[$1].index, rows[$1].line) }
    var reuse = 0
    // Normalisations are merged into the kernels and cost no cycle.
    for index in order where rows[index].kind != "normalize" {
      guard let layer = LayerSpec(rows[index], reportedMultipliers: multipliers[index]) else { return nil }
      if layer.kind == .padding { paddings.append(layer) } else { layers.append(layer) }
      if layer.kernelOutputs > 0 { reuse = layer.reuse }
    }
    guard !layers.isEmpty else { return nil }
    var chain: [LayerSpec] = []
    for var layer in layers {
      if layer.kind == .convolution,
        let match = paddings.firstIndex(where: {
          $0.outputHeight == layer.height && $0.outputWidth == layer.width && $0.channels == layer.channels
        })
      {
        chain.append(paddings.remove(at: match))
      }
      if layer.kind == .softmax { layer.reuse = reuse }
      if layer.kind == .dense, let previous = chain.last, previous.outputPixels > 1,
        previous.outputPixels * previous.outputChannels == layer.channels
      {
        layer.height = previous.outputHeight
        layer.width = previous.outputWidth
        layer.channels = previous.outputChannels
      }
      chain.append(layer)
    }
    return PipelineDesign(chain: chain, name: name, transfer: rows[0].transfer)
  }
}
