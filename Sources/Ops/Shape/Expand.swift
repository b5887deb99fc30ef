package import IR

/// x broadcast together with the extents the second input lists.
package struct Expand: ONNXOperator {
  package static let name = "expand"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    guard let extents = try context.extents(1), case .tensor(let x)? = context.type(0) else {
      return [.unranked(element)]
    }
    guard extents.allSatisfy({ ($0.constant ?? 0) >= 0 }) else {
      throw OperatorError("extents-positive", "the extents \(extents.text) are not a shape")
    }
    return [.tensor(TensorType(element, try Broadcast.shape([x.shape, extents])))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let value = context.known(0), value.count == 1, let extents = context.knownIntegers(1),
      let count = extents.checkedProduct, count <= 64
    else { return [] }
    return [Array(repeating: value[0], count: max(count, 1))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.input(0)
    let y = try operands.output()
    return .movement(Movement(kind: x.count == y.count ? .view : .expand, inputs: [x], outputs: [y]))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let shape = try Broadcast.numbers([x.shape, try inputs.integers(1)])
    _ = try shape.evaluableCount()
    return [.tensor(x.rearranged(shape, StridedView(shape: shape, strides: Broadcast.strides(x.shape, in: shape))))]
  }

  package static var onnxNames: [ONNXName] { ["Expand"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Expand { Expand() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Expand") }
}
