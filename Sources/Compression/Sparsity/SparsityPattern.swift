package import IR

/// Which weights of a layer may stay: any share of them, or `kept` of every `of` consecutive input channels.
package enum SparsityPattern: Sendable, Hashable {
  /// Share of weights that are removed, 0…1.
  case unstructured(sparsity: Double)
  case structured(kept: Int, of: Int)

  /// `2:4`, or a share such as `0.5`.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 2, let kept = Int(parts[0]), let of = Int(parts[1]), kept > 0, of > kept, of <= 64 {
      self = .structured(kept: kept, of: of)
    } else if parts.count == 1, let sparsity = Double(text), sparsity > 0, sparsity < 1 {
      self = .unstructured(sparsity: sparsity)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .unstructured(let sparsity): "\(sparsity)"
    case .structured(let kept, let of): "\(kept):\(of)"
    }
  }

  /// The encoding of a tensor of which `kept` of `count` elements stayed.
  package func encoding(kept: Int, count: Int) -> Encoding.Sparsity {
    switch self {
    case .structured(let kept, let of): .structured(kept: kept, of: of)
    case .unstructured: .unstructured(densityPartsPerMillion: count == 0 ? 0 : (kept * 1_000_000 + count / 2) / count)
    }
  }
}
