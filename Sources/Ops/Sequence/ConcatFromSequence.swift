package import IR

/// The tensors of a sequence laid behind each other along an axis they have, or stacked along a new one.
package struct ConcatFromSequence: ONNXOperator {
  package static let name = "concat-from-sequence"

  package var axis: Int
  package var isNewAxis: Bool

  package init(axis: Int, isNewAxis: Bool = false) {
    self.axis = axis
    self.isNewAxis = isNewAxis
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.sequence(0)
    guard case .tensor(var type) = element else {
      guard let known = element.elementType else {
        throw OperatorError("tensor-expected", "only tensors can be joined")
      }
      return [.unranked(known)]
    }
    let joined = context.freshDimension("joined")
    if isNewAxis {
      type.shape.insert(joined, at: try resolveAxis(axis, rank: type.rank + 1))
    } else {
      type.shape[try resolveAxis(axis, rank: type.rank)] = joined
    }
    return [.tensor(type)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let y = try operands.output()
    return .movement(Movement(kind: .concatenate, inputs: [y], outputs: [y]))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let elements = try inputs.sequence(0)
    guard !elements.isEmpty else { throw OperatorError("elements-expected", "an empty sequence cannot be joined") }
    if isNewAxis { return [.tensor(try stacked(elements.compactMap(\.tensor), axis: axis))] }
    return try Concatenate(axis: axis).evaluate(elements, context)
  }

  package static var onnxNames: [ONNXName] { ["ConcatFromSequence"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ConcatFromSequence {
    guard let axis = try node.integer("axis") else {
      throw OperatorError("missing-attribute", "the attribute 'axis' is missing")
    }
    return ConcatFromSequence(axis: axis, isNewAxis: try node.integer("new_axis") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("ConcatFromSequence", [("axis", .integer(axis)), ("new_axis", .integer(isNewAxis ? 1 : 0))])
  }
}
