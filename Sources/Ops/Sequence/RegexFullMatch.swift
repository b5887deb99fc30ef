package import IR

/// Whether a pattern matches all of each text.
package struct RegexFullMatch: ONNXOperator {
  package static let name = "regex-full-match"

  package var pattern: String

  package init(pattern: String) { self.pattern = pattern }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard try context.element(0) == .string else {
      throw OperatorError("strings-expected", "only texts can be matched")
    }
    return [try context.sameShape(.bool)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("regex-full-match", simple: 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard let regex = try? Regex(pattern).wordBoundaryKind(.simple) else {
      throw OperatorError("pattern", "'\(pattern)' is not a regular expression")
    }
    let matches = try x.strings().map { (try? regex.wholeMatch(in: $0)) != nil }
    return [.tensor(Tensor(.bool, x.shape, .bool(matches)))]
  }

  package static var onnxNames: [ONNXName] { ["RegexFullMatch"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> RegexFullMatch {
    RegexFullMatch(pattern: try node.string("pattern") ?? "")
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("RegexFullMatch", [("pattern", .string(pattern))]) }
}
