package import IR

/// A region applied to every element of a sequence.
///
/// Inputs: the sequence, `arguments − 1` further sequences (cut alike) or tensors (passed whole), then captures. Every
/// result of the region becomes a sequence.
package struct SequenceMap: ONNXOperator {
  package static let name = "sequence-map"

  /// Inputs before the captures.
  package var arguments: Int

  package init(arguments: Int) { self.arguments = arguments }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    _ = try context.sequence(0)
    return try context.results(ofRegion: 0).map { .sequence($0) }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    throw OperatorError("trip-count", "only the data tell how many elements the sequence has")
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let elements = try inputs.sequence(0)
    var columns = [[Datum]](repeating: [], count: context.outputCount)
    for (position, element) in elements.enumerated() {
      var values: [Datum?] = [element]
      for argument in inputs.prefix(max(arguments, 1)).dropFirst() {
        if case .sequence(let others)? = argument {
          guard others.count == elements.count else {
            throw OperatorError("lengths-match", "sequences of \(elements.count) and \(others.count) elements")
          }
          values.append(others[position])
        } else {
          values.append(argument)
        }
      }
      let results = try context.run(0, values + inputs.dropFirst(max(arguments, 1)))
      for (index, result) in results.prefix(columns.count).enumerated() { columns[index].append(result) }
    }
    return columns.map { .sequence($0) }
  }

  package static var onnxNames: [ONNXName] { ["SequenceMap"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SequenceMap {
    _ = try node.region("body")
    return SequenceMap(arguments: node.inputs.count)
  }

  package var onnxInputCount: Int? { arguments }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("SequenceMap", [("body", .region(0))]) }
}
