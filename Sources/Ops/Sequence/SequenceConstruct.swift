package import IR

/// A sequence of the given tensors; without any, an empty one of an element type.
package struct SequenceConstruct: ONNXOperator {
  package static let name = "sequence"

  /// Element type of an empty sequence.
  package var element: ElementType?

  package init(element: ElementType? = nil) { self.element = element }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard var type = context.type(0) else { return [.sequence(.unranked(element ?? .float32))] }
    for case let next? in context.inputs.dropFirst() {
      type = try type.joined(with: next) { context.freshDimension($0) }
    }
    return [.sequence(type)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.sequence(inputs.compactMap { $0 })]
  }

  package static var onnxNames: [ONNXName] { ["SequenceConstruct", "SequenceEmpty"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SequenceConstruct {
    let isEmpty = node.name.type == "SequenceEmpty"
    return SequenceConstruct(element: try node.elementType("dtype") ?? (isEmpty ? .float32 : nil))
  }

  package func exportONNX() -> ONNXSpelling {
    guard let code = element?.onnxCode else { return ONNXSpelling("SequenceConstruct") }
    return ONNXSpelling("SequenceEmpty", [("dtype", .integer(code))])
  }
}

extension OperandTypes {
  /// Operations on sequences rearrange references; the tensors stay where they are.
  func sequenceView() throws(OperatorError) -> Computation { .movement(Movement(kind: .view, inputs: [], outputs: [])) }
}

/// A position in a sequence of `count`, counted from either end; inserting may also name the end itself.
func sequencePosition(_ position: Tensor?, count: Int, inserting: Bool) throws(OperatorError) -> Int {
  let last = inserting ? count : count - 1
  guard let position = try position?.integers().first else { return last }
  let index = position < 0 ? Int(position) + count : Int(position)
  guard index >= 0, index <= last else {
    throw OperatorError("position-range", "position \(position) in a sequence of \(count)")
  }
  return index
}
