package import Basic

/// Folding asked for layer by layer: `conv1=64, re:.*fc.*=8, conv2=4x16`.
///
/// A rule names a layer, a kernel or a source node, or is a regular expression over the whole name after `re:`. Its folding is a
/// reuse factor, or `PExSIMD` for tools that fold by processing elements. The first rule that matches counts.
package struct FoldingRules: Sendable, Hashable {
  package enum Folding: Sendable, Hashable {
    case reuse(Int)
    case parallel(pe: Int, simd: Int)
  }

  package struct Rule: Sendable, Hashable {
    package var pattern: String
    package var folding: Folding

    /// Whether the rule names one of `names`.
    package func matches(_ names: [String]) -> Bool {
      guard pattern.hasPrefix("re:"), let regex = try? Regex(String(pattern.dropFirst(3))) else { return names.contains(pattern) }
      return names.contains { $0.wholeMatch(of: regex) != nil }
    }
  }

  package var rules: [Rule]

  /// Reads rules separated by commas or semicolons; throws with the rule that cannot be read.
  package init(_ text: String) throws(Failure) {
    rules = []
    for part in text.split(whereSeparator: { $0 == "," || $0 == ";" }) {
      let word = part.trimmingPrefix { $0 == " " }
      guard let equals = word.lastIndex(of: "="), let folding = Folding(word[word.index(after: equals)...]) else {
        throw Failure("folding rule '\(word)' is not LAYER=REUSE or LAYER=PExSIMD", fix: "write for example 'conv1=64, re:.*fc.*=8'")
      }
      let pattern = String(word[..<equals])
      if pattern.hasPrefix("re:"), (try? Regex(String(pattern.dropFirst(3)))) == nil {
        throw Failure("folding rule '\(word)': '\(pattern.dropFirst(3))' is not a regular expression")
      }
      rules.append(Rule(pattern: pattern, folding: folding))
    }
  }

  /// Index of the first rule that matches one of the names.
  package func match(_ names: [String]) -> Int? {
    rules.firstIndex { $0.matches(names) }
  }
}

extension FoldingRules.Folding {
  fileprivate init?(_ text: Substring) {
    let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0.filter { $0 != " " }) }
    switch (numbers.count, numbers.first ?? nil, numbers.last ?? nil) {
    case (1, .some(let reuse), _) where reuse > 0: self = .reuse(reuse)
    case (2, .some(let pe), .some(let simd)) where pe > 0 && simd > 0: self = .parallel(pe: pe, simd: simd)
    default: return nil
    }
  }
}

extension LayerSpec {
  /// Takes over an asked-for folding; throws when the layer cannot be folded that way by the tool.
  mutating func fold(_ folding: FoldingRules.Folding, by tool: ImplementationProfile) throws(Failure) {
    isFolded = true
    switch (folding, tool.folding) {
    case (.reuse(let factor), _): reuse = factor
    case (.parallel(let pe, let simd), .processingElements):
      guard let exact = FINNFolding(layer: self, pe: pe, simd: simd) else {
        throw Failure(
          "layer '\(name)': PE \(pe) must divide \(kernelOutputs) outputs and SIMD \(simd) the \(FINNFolding.lanes(self)) inputs side by side"
        )
      }
      processing = exact
    case (.parallel(let pe, let simd), .reuse):
      throw Failure(
        "layer '\(name)': \(tool.name) folds by a reuse factor, not by PE \(pe) and SIMD \(simd)",
        fix: "write \(name)=\(max(1, weightCount / (pe * simd)))")
    }
  }
}
