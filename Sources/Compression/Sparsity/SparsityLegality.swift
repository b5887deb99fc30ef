internal import IR
package import Numerics

/// Whether a layer can take a pattern and whether its weights keep to it.
package enum SparsityLegality {
  /// Why a layer cannot be sparse in this pattern; nil when it can.
  package static func obstacle(_ layer: LinearLayer, _ pattern: SparsityPattern) -> String? {
    guard case .structured(_, let of) = pattern else { return nil }
    if layer.channels == 1 { return "one input channel per filter: there is no group of \(of) to choose from" }
    if layer.channels % of != 0 { return "\(layer.channels) input channels are not a multiple of \(of)" }
    return nil
  }

  /// The first group of the weights with more than `kept` of `of` non-zero values along the input channels, as text; nil when
  /// all groups keep to the pattern.
  package static func violation(_ layer: LinearLayer, _ matrices: [Matrix], _ pattern: SparsityPattern) -> String? {
    guard case .structured(let kept, let of) = pattern else { return nil }
    for (group, matrix) in matrices.enumerated() {
      for row in 0..<matrix.rows {
        for start in stride(from: 0, to: matrix.columns, by: of) {
          let filled = (start..<min(start + of, matrix.columns)).count { matrix[row, $0] != 0 }
          if filled > kept {
            let (tap, channel) = (start / layer.channels, start % layer.channels)
            return
              "'\(layer.name)': output \(group * layer.outputs + row), tap \(tap), channels from \(channel) have \(filled) values where \(pattern.description) allows \(kept)"
          }
        }
      }
    }
    return nil
  }
}
