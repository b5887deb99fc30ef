package import IR

/// Scores of −∞ for every token that would repeat a run of `length` tokens (com.microsoft NGramRepeatBlock).
///
/// Inputs: token numbers so far [b, s], scores of the next token [b, v]. Output: scores [b, v].
package struct BlockRepeatedRuns: ONNXOperator {
  package static let name = "block-repeated-runs"

  /// Tokens of a run that must not stand twice.
  package var length: Int

  package init(length: Int) { self.length = length }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (tokens, scores) = (try context.tensor(0), try context.tensor(1))
    guard tokens.rank == 2, scores.rank == 2, length > 0 else {
      throw OperatorError("ranks-match", "tokens must be [b, s] and scores [b, v], in runs of at least 1")
    }
    if let a = tokens.shape[0].constant, let b = scores.shape[0].constant, a != b {
      throw OperatorError("extents-match", "tokens of \(a) sequences and scores of \(b)")
    }
    return [.tensor(TensorType(scores.element, scores.shape))]
  }

  /// The scores are copied; the comparison reads every token once for each token of a run.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let scores = try operands.input(1)
    return .movement(
      Movement(kind: .gather, inputs: [try operands.input(0), scores], outputs: [try operands.output()], elementsRead: scores.count))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (tokens, scores) = (try inputs.tensor(0), try inputs.tensor(1))
    guard length > 0, tokens.rank == 2, scores.rank == 2, tokens.shape[0] == scores.shape[0] else {
      throw OperatorError("ranks-match", "tokens \(tokens.shape) and scores \(scores.shape) do not fit each other")
    }
    var result = try scores.doubles()
    let (numbers, steps, words) = (try tokens.integers(), tokens.shape[1], scores.shape[1])
    let before = length - 1
    for image in 0..<tokens.shape[0] where steps >= length {
      let row = numbers[(image * steps)..<((image + 1) * steps)]
      let last = row.suffix(before)
      for start in row.startIndex...(row.endIndex - length) where row[start..<(start + before)].elementsEqual(last) {
        let word = row[start + before]
        guard (0..<Int64(words)).contains(word) else {
          throw OperatorError("index-range", "token \(word) is outside a vocabulary of \(words)")
        }
        result[image * words + Int(word)] = -.infinity
      }
    }
    return [.tensor(Tensor(scores.element, scores.shape, rounding: result))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "NGramRepeatBlock")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> BlockRepeatedRuns {
    guard let length = try node.integer("ngram_size"), length > 0 else {
      throw OperatorError("missing-attribute", "NGramRepeatBlock needs a positive 'ngram_size'")
    }
    return BlockRepeatedRuns(length: length)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", "NGramRepeatBlock"), [("ngram_size", .integer(length))])
  }
}
