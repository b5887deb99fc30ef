package import IR

/// The same numbers in another element type.
///
/// Floats become integers by truncation (4-bit integers: by rounding and saturation), integers wrap, and numbers beyond
/// a float8 format become its largest number when `saturates`, else its infinity or NaN.
package struct Cast: ONNXOperator {
  package static let name = "cast"

  package var to: ElementType
  package var saturates: Bool

  package init(to: ElementType, saturates: Bool = true) {
    self.to = to
    self.saturates = saturates
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sameShape(to)]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    [ElementConversion.contents(context, to)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    if operands.inputs.first??.elementType == to { return try operands.movement(.view) }
    return try operands.movement(.cast)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.sameAxisTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.tensor(try ElementConversion(to: to, saturates: saturates).convert(try inputs.tensor(0)))]
  }

  package static var onnxNames: [ONNXName] { ["Cast"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Cast {
    guard let to = try node.elementType("to") else {
      throw OperatorError("element-type", "a cast needs the attribute 'to'")
    }
    return Cast(to: to, saturates: try node.integer("saturate") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("Cast", (saturates ? [] : [("saturate", .integer(0))]) + [("to", .integer(to.onnxCode ?? 1))])
  }
}

/// The numbers of the first input in the element type of the second.
package struct CastLike: ONNXOperator {
  package static let name = "cast-like"

  package var saturates: Bool

  package init(saturates: Bool = true) { self.saturates = saturates }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sameShape(try context.element(1))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let to = try? context.element(1) else { return [] }
    return [ElementConversion.contents(context, to)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let kind: Movement.Kind = operands.inputs.first??.elementType == operands.outputs.first?.elementType ? .view : .cast
    return .movement(Movement(kind: kind, inputs: [try operands.input(0)], outputs: [try operands.output()]))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [
      .tensor(
        try ElementConversion(to: try inputs.tensor(1).element, saturates: saturates).convert(try inputs.tensor(0)))
    ]
  }

  package static var onnxNames: [ONNXName] { ["CastLike"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> CastLike {
    CastLike(saturates: try node.integer("saturate") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("CastLike", [("saturate", .integer(saturates ? 1 : 0))]) }
}
