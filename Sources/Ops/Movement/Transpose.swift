package import IR

/// Axes in another order: axis i of the result is axis `permutation[i]` of x.
package struct Transpose: ONNXOperator {
  package static let name = "transpose"

  /// Nil: the axes in reverse order.
  package var permutation: [Int]?

  package init(_ permutation: [Int]? = nil) { self.permutation = permutation }

  /// The permutation for a tensor of this rank.
  package func order(rank: Int) throws(OperatorError) -> [Int] {
    let order = permutation ?? Array((0..<rank).reversed())
    guard order.sorted() == Array(0..<rank) else {
      throw OperatorError("permutation", "\(order) is not an order of the \(rank) axes")
    }
    return order
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if let permutation, case .unranked(let element)? = context.type(0) {
      return [.tensor(TensorType(element, permutation.indices.map { context.freshDimension("axis\($0)") }))]
    }
    let x = try context.tensor(0)
    return [.tensor(TensorType(x.element, try order(rank: x.rank).map { x.shape[$0] }))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    (context.type(0)?.tensor?.rank ?? 2) <= 1 ? [context.known(0)] : []
  }

  /// Moving axes of extent 1 moves no element.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let moving = try order(rank: shape.count).filter { shape[$0] != 1 }
    return try operands.movement(moving == moving.sorted() ? .view : .transpose)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let x = operands.shape(.input(0)), let order = try? order(rank: x.count) else { return [] }
    return order.enumerated().map { place, axis in AxisTie(count: x[axis], [AxisMap(.input(0), axis), AxisMap(.output(0), place)]) }
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let order = try order(rank: x.rank)
    let shape = order.map { x.shape[$0] }
    let strides = x.shape.rowMajorStrides
    return [.tensor(x.rearranged(shape, StridedView(shape: shape, strides: order.map { strides[$0] })))]
  }

  package static var onnxNames: [ONNXName] { ["Transpose"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Transpose {
    Transpose(try node.integers("perm"))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("Transpose", permutation.map { [("perm", .integers($0))] } ?? [])
  }
}
