package import IR

/// An operator nobody has described, kept on request so that its share of time is seen: inputs in, outputs of declared type out.
package struct OpaqueOperator: Operator {
  package static let name = "opaque"

  /// Domain and type as the model file spells them.
  package var label: String
  /// `f32` … of each output.
  package var elements: [String]
  /// Ranks of the outputs, and their extents one after the other.
  package var ranks: [Int]
  package var extents: [String]

  package init(label: String, outputs: [TensorType]) {
    self.label = label
    elements = outputs.map(\.element.rawValue)
    ranks = outputs.map(\.rank)
    extents = outputs.flatMap { $0.shape.map(\.description) }
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var rest = extents[...]
    var types: [ValueType] = []
    for (element, rank) in zip(elements, ranks) {
      guard let element = ElementType(rawValue: element), rank >= 0, rest.count >= rank else {
        throw OperatorError("opaque-type", "the declared output types do not fit together")
      }
      let shape = rest.prefix(rank).map { text in Int(text).map(Dimension.constant) ?? .symbol(text) }
      rest = rest.dropFirst(rank)
      types.append(.tensor(TensorType(element, shape)))
    }
    return types
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .opaque(Opaque(label: label, inputs: try operands.presentInputs(), outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    throw OperatorError("opaque-evaluation", "nobody has described what \(label) computes")
  }
}
