package import IR

/// A tensor of the extents the input lists with one value everywhere.
package struct ConstantOfShape: ONNXOperator {
  package static let name = "constant-of-shape"

  package var element: ElementType
  /// The value of float and bool tensors.
  package var number: Double
  /// The value of integer tensors (as a bit pattern for uint64).
  package var integer: Int

  package init(element: ElementType = .float32, number: Double = 0, integer: Int = 0) {
    self.element = element
    self.number = number
    self.integer = integer
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard let extents = try context.extents(0) else { return [.unranked(element)] }
    if let negative = extents.first(where: { ($0.constant ?? 0) < 0 }) {
      throw OperatorError("extents-positive", "the extent \(negative) is negative")
    }
    return [.tensor(TensorType(element, extents))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard element.isInteger || element == .bool, let count = context.knownIntegers(0)?.checkedProduct, count <= 64
    else {
      return []
    }
    return [Array(repeating: .constant(element == .bool ? (number != 0 ? 1 : 0) : integer), count: count)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .expand, inputs: [], outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let shape = try inputs.integers(0)
    let count = try shape.evaluableCount()
    let one =
      element.isInteger
      ? Tensor(element, [], wrapping: [Int64(integer)]) : Tensor(element, [], rounding: [number])
    return [.tensor(one.rearranged(shape, StridedView(shape: [count], strides: [0])))]
  }

  package static var onnxNames: [ONNXName] { ["ConstantOfShape"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ConstantOfShape {
    guard let constant = try node.tensor("value") else { return ConstantOfShape() }
    guard let value = Tensor(constant), value.count == 1 else {
      throw OperatorError("one-element", "'value' must be a tensor of one element")
    }
    return ConstantOfShape(
      element: value.element, number: try value.doubles()[0],
      integer: value.element.isInteger ? Int(try value.integers()[0]) : 0)
  }

  package func exportONNX() -> ONNXSpelling {
    let value =
      element.isInteger
      ? Tensor(element, [1], wrapping: [Int64(integer)]) : Tensor(element, [1], rounding: [number])
    return ONNXSpelling("ConstantOfShape", [("value", .tensor(Constant(value)))])
  }
}
