package import Basic
package import Hardware
package import IR

extension Capabilities {
  /// Reads the `<fusion>` element of a target; a target without one fuses nothing.
  ///
  /// `<epilogue functions="relu add" residual="yes"/>`, `<chain pointwise="yes" reduction="yes" gather="yes" slice="yes" inputs="16"/>`,
  /// `<operand loads="transpose pad" merge="yes"/>`, `<kernel forms="layer-normalization …"/>`,
  /// `<attention forms="mask causal grouped merged-heads" head-dimension="256"/>`. What is not written is not done.
  /// `<integers accumulator="32" overflow="wrap" requantization="fixed-point" multiplier="31" rounding="gemmlowp"/>` says how stored
  /// integers are added up and rounded; without it they are as in onnxruntime's kernels.
  ///
  /// - `log`: what was read is noted there.
  package init(_ target: TargetFile, log: ReadingLog = ReadingLog()) throws(Failure) {
    self = .none
    guard let element = target.root.children.first(where: { $0.name == "fusion" }) else { return }
    let reader = ElementReader(element, log: log)
    if let epilogue = reader.optionalChild("epilogue") {
      epilogueFunctions = Set(epilogue.string("functions").split(separator: " ").map(String.init))
      fusesResidual = epilogue.optionalFlagAttribute("residual")
      epilogue.finish()
    }
    if let chain = reader.optionalChild("chain") {
      fusesPointwiseChains = chain.optionalFlagAttribute("pointwise")
      fusesReductionSinks = chain.optionalFlagAttribute("reduction")
      fusesGathers = chain.optionalFlagAttribute("gather")
      readsSlices = chain.optionalFlagAttribute("slice")
      maximumKernelInputs = chain.integerAttribute("inputs", in: .extents)
      chain.finish()
    }
    if let operand = reader.optionalChild("operand") {
      operandLoads = operand.words("loads")
      mergesProjections = operand.optionalFlagAttribute("merge")
      operand.finish()
    }
    if let kernel = reader.optionalChild("kernel") {
      forms = kernel.words("forms")
      kernel.finish()
    }
    if let fused = reader.optionalChild("attention") {
      if !forms.contains(.attention) { forms.append(.attention) }
      attention = AttentionSupport(
        forms: fused.words("forms"), maximumHeadDimension: fused.integerAttribute("head-dimension", in: .extents), loads: operandLoads)
      fused.finish()
    } else {
      forms.removeAll { $0 == .attention }
    }
    if let declared = reader.optionalChild("integers") {
      integers = IntegerArithmetic(
        accumulatorBits: declared.integerAttribute("accumulator", in: 8...62), overflow: declared.word("overflow") ?? .wrap,
        requantization: declared.word("requantization") ?? .real,
        multiplierBits: declared.optionalIntegerAttribute("multiplier", in: 1...31) ?? 31,
        rounding: declared.word("rounding") ?? .halfEven)
      declared.finish()
    }
    reader.finish()
    try log.check()
  }
}

extension ElementReader {
  /// One member of a closed set.
  fileprivate func word<Word: RawRepresentable<String> & CaseIterable & Equatable>(_ attribute: String) -> Word? {
    let found: [Word] = words(attribute)
    if found.count > 1 { error("\(attribute) of <\(element.name)> takes one word") }
    return found.first
  }

  /// Members of a closed set, separated by spaces, each once.
  fileprivate func words<Word: RawRepresentable<String> & CaseIterable & Equatable>(_ attribute: String) -> [Word] {
    var result: [Word] = []
    let all = Word.allCases.map(\.rawValue)
    for text in (optionalString(attribute) ?? "").split(separator: " ").map(String.init) {
      if let word = Word(rawValue: text) {
        if !result.contains(word) { result.append(word) }
      } else {
        let near = nearestSpelling(to: text, in: all).map { "did you mean \($0)?" } ?? "one of \(all.joined(separator: ", "))"
        error("'\(text)' in \(attribute) of <\(element.name)> is not known", fix: near)
      }
    }
    return result
  }
}
