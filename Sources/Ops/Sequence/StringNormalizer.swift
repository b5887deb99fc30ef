package import IR

/// Texts without stop words and with their case changed.
///
/// Input and output: [n] or [1, n]; when nothing is left, one empty text.
package struct StringNormalizer: ONNXOperator {
  package static let name = "string-normalizer"

  package enum CaseChange: String, Codable, Sendable, Hashable, CaseIterable {
    case none = "NONE"
    case lower = "LOWER"
    case upper = "UPPER"

    func apply(_ text: String) -> String {
      switch self {
      case .none: text
      case .lower: text.lowercased()
      case .upper: text.uppercased()
      }
    }
  }

  package var caseChange: CaseChange
  package var isCaseSensitive: Bool
  package var stopWords: [String]

  package init(caseChange: CaseChange = .none, isCaseSensitive: Bool = false, stopWords: [String] = []) {
    self.caseChange = caseChange
    self.isCaseSensitive = isCaseSensitive
    self.stopWords = stopWords
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 1 || x.rank == 2, x.element == .string else {
      throw OperatorError("strings-expected", "\(x.shape.text) is not a list of texts")
    }
    let kept = stopWords.isEmpty ? x.shape[x.rank - 1] : context.freshDimension("kept")
    return [.tensor(TensorType(.string, x.shape.dropLast() + [kept]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("string-normalizer", simple: 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let stops = Set(isCaseSensitive ? stopWords : stopWords.map { $0.lowercased() })
    var kept = try x.strings().filter { !stops.contains(isCaseSensitive ? $0 : $0.lowercased()) }.map(caseChange.apply)
    if kept.isEmpty { kept = [""] }
    return [.tensor(Tensor(.string, x.rank == 2 ? [1, kept.count] : [kept.count], .string(kept)))]
  }

  package static var onnxNames: [ONNXName] { ["StringNormalizer"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> StringNormalizer {
    _ = try node.string("locale")
    let name = try node.string("case_change_action") ?? "NONE"
    guard let caseChange = CaseChange(rawValue: name) else {
      throw OperatorError("case-change", "unknown case change '\(name)'")
    }
    return StringNormalizer(
      caseChange: caseChange, isCaseSensitive: try node.integer("is_case_sensitive") ?? 0 != 0,
      stopWords: try node.strings("stopwords") ?? [])
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("case_change_action", .string(caseChange.rawValue)), ("is_case_sensitive", .integer(isCaseSensitive ? 1 : 0)),
    ]
    if !stopWords.isEmpty { attributes.append(("stopwords", .strings(stopWords))) }
    return ONNXSpelling("StringNormalizer", attributes)
  }
}
