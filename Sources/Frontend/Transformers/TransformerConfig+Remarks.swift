internal import Basic
internal import IR

extension TransformerConfig {
  /// The number formats of the checkpoint.
  func published(_ nodes: [String]) -> PublishedFormat {
    var result = PublishedFormat()
    result.numbers = numbers
    guard let quantization, let precision = quantization.precision else { return result }
    result.precision = precision
    result.description = quantization.description
    result.plainLayers = Set(nodes.filter { $0.hasPrefix("head#") })
    return result
  }

  /// What to know before a prediction is believed.
  func remarks(_ dimensions: [String: Int], file: String) -> [Diagnostic] {
    let place = SourceLocation(file: file)
    var result: [Diagnostic] = []
    if let quantization, quantization.precision == nil {
      result.append(
        Diagnostic(
          .warning, "quantization_config (\(quantization.description)) is not understood: weights count in 16 bits", at: place,
          fix: "name a format with --precision"))
    }
    let last = (dimensions["past"] ?? 0) + (dimensions["sequence"] ?? 0)
    if hasPositionTable, last > positions {
      result.append(
        Diagnostic(
          .warning, "\(last) positions are more than the \(positions) that the model has learned (max_position_embeddings)", at: place,
          fix: "bind a shorter sequence or past"))
    }
    let past = dimensions["past"] ?? 0
    let windowed = (0..<layers).filter { window(ofLayer: $0) != nil }.count
    if past > 0, let window, last > window, windowed > 0, family == .llama {
      let layers = windowed == layers ? "all \(layers) layers" : "\(windowed) of \(layers) layers"
      result.append(
        Diagnostic(
          .note, "caches hold all \(last) tokens, also in \(layers) that see the last \(window) only", at: place,
          fix: "engines that let go of older entries need less memory"))
    }
    return result
  }

  /// Positions are looked up in a table, which ends.
  private var hasPositionTable: Bool {
    switch family {
    case .bert, .gpt2, .opt: true
    case .llama, .vit, .parallel, .t5, .latent: false
    }
  }
}
