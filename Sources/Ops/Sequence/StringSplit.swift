package import IR

/// Every text cut at a delimiter, along a new last axis padded with empty texts.
///
/// Outputs: the parts [x…, most parts], and how many parts each text has.
package struct StringSplit: ONNXOperator {
  package static let name = "string-split"

  /// Nil or empty: runs of white space.
  package var delimiter: String?
  /// Cuts made at most; the rest stays in one piece.
  package var maximumCuts: Int?

  package init(delimiter: String? = nil, maximumCuts: Int? = nil) {
    self.delimiter = delimiter
    self.maximumCuts = maximumCuts
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    return [
      .tensor(TensorType(.string, x.shape + [context.freshDimension("parts")])), .tensor(TensorType(.int64, x.shape)),
    ]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.slice)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let parts = try x.strings().map(split)
    let width = parts.map(\.count).max() ?? 0
    let padded = parts.flatMap { $0 + Array(repeating: "", count: width - $0.count) }
    return [
      .tensor(Tensor(.string, x.shape + [width], .string(padded))),
      .tensor(Tensor(x.shape, integers: parts.map { Int64($0.count) })),
    ]
  }

  private func split(_ text: String) -> [String] {
    let cuts = maximumCuts.flatMap { $0 < 0 ? nil : $0 } ?? Int.max
    guard let delimiter, !delimiter.isEmpty else {
      var rest = text.drop(while: \.isWhitespace)
      var parts: [String] = []
      while !rest.isEmpty {
        if parts.count == cuts { return parts + [String(rest)] }
        let word = rest.prefix { !$0.isWhitespace }
        parts.append(String(word))
        rest = rest.dropFirst(word.count).drop(while: \.isWhitespace)
      }
      return parts
    }
    return text.split(separator: delimiter, maxSplits: cuts, omittingEmptySubsequences: false).map(String.init)
  }

  package static var onnxNames: [ONNXName] { ["StringSplit"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> StringSplit {
    StringSplit(delimiter: try node.string("delimiter"), maximumCuts: try node.integer("maxsplit"))
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = []
    if let delimiter { attributes.append(("delimiter", .string(delimiter))) }
    if let maximumCuts { attributes.append(("maxsplit", .integer(maximumCuts))) }
    return ONNXSpelling("StringSplit", attributes)
  }
}
