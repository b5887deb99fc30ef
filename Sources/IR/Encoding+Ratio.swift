extension Encoding.Sparsity {
  /// `2:4` or any other part kept of up to 64 consecutive elements; nil for another text.
  package init?(ratio text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let kept = parts[0], let of = parts[1], kept > 0, of > kept, of <= 64 else { return nil }
    self = .structured(kept: kept, of: of)
  }

  /// As `init(ratio:)` reads it; nil when not so many of so many are kept.
  package var ratio: String? {
    guard case .structured(let kept, let of) = self else { return nil }
    return "\(kept):\(of)"
  }

  /// Two of every four elements kept, as sparse matrix instructions of GPUs have it.
  package static let twoOfFour = Self.structured(kept: 2, of: 4)
}
