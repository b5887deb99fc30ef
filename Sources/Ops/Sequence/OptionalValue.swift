package import IR

/// A value that may be missing: the input, or nothing of a type.
package struct OptionalValue: ONNXOperator {
  package static let name = "optional"

  /// Element type and kind of a missing value.
  package var element: ElementType?
  package var isSequence: Bool

  package init(element: ElementType? = nil, isSequence: Bool = false) {
    self.element = element
    self.isSequence = isSequence
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if let type = context.type(0) { return [.optional(type)] }
    let tensor = ValueType.unranked(element ?? .float32)
    return [.optional(isSequence ? .sequence(tensor) : tensor)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.optional(inputs.first ?? nil)]
  }

  package static var onnxNames: [ONNXName] { ["Optional"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OptionalValue {
    switch try node.type("type") {
    case .sequence(let inner): OptionalValue(element: inner.elementType, isSequence: true)
    case let type: OptionalValue(element: type?.elementType)
    }
  }

  package func exportONNX() -> ONNXSpelling {
    guard let element else { return ONNXSpelling("Optional") }
    let tensor = ValueType.unranked(element)
    return ONNXSpelling("Optional", [("type", .type(isSequence ? .sequence(tensor) : tensor))])
  }
}

/// Whether an optional value is there, as a bool scalar.
package struct OptionalHasElement: ONNXOperator {
  package static let name = "optional-has-element"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [.tensor(TensorType(.bool, [Int]()))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let isThere =
      switch inputs.first ?? nil {
      case nil, .optional(nil)?: false
      case .optional(_?)?, .tensor?, .sequence?: true
      }
    return [.tensor(Tensor(.bool, [], .bool([isThere])))]
  }

  package static var onnxNames: [ONNXName] { ["OptionalHasElement"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OptionalHasElement {
    OptionalHasElement()
  }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("OptionalHasElement") }
}

/// The value of an optional that is there.
package struct OptionalGetElement: ONNXOperator {
  package static let name = "optional-get-element"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard let type = context.type(0) else { throw OperatorError("missing-input", "input 0 is missing") }
    if case .optional(let inner) = type { return [inner] }
    return [type]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.sequenceView()
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    switch inputs.first ?? nil {
    case .optional(let value?)?: return [value]
    case .optional(nil)?, nil: throw OperatorError("element-expected", "the optional value is missing")
    case let value?: return [value]
    }
  }

  package static var onnxNames: [ONNXName] { ["OptionalGetElement"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OptionalGetElement {
    OptionalGetElement()
  }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("OptionalGetElement") }
}
