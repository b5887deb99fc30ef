package import IR

/// y = alpha·op(a)·op(b), stacked, where op exchanges the last two axes or moves the first axis before the last.
///
/// Inputs: a, b. Output: [batch…, m, n].
package struct FusedMatrixMultiply: ONNXOperator {
  package static let name = "matmul-fused"

  package var alpha: Float
  package var transposesA: Bool
  package var transposesB: Bool
  /// The stack lies in all axes but the first and the last: [m, batch…, k].
  package var stacksInsideA: Bool
  package var stacksInsideB: Bool

  package init(
    alpha: Float = 1, transposesA: Bool = false, transposesB: Bool = false, stacksInsideA: Bool = false, stacksInsideB: Bool = false
  ) {
    self.alpha = alpha
    self.transposesA = transposesA
    self.transposesB = transposesB
    self.stacksInsideA = stacksInsideA
    self.stacksInsideB = stacksInsideB
  }

  /// Order of the axes in which an operand is multiplied.
  private func order(_ rank: Int, inside: Bool, transposed: Bool) -> [Int] {
    var axes = Array(0..<rank)
    if inside, rank > 2 { axes = Array(1..<(rank - 1)) + [0, rank - 1] }
    if transposed, rank > 1 { axes.swapAt(rank - 2, rank - 1) }
    return axes
  }

  private func arranged<Extent>(_ shape: [Extent], isLeft: Bool) -> [Extent] {
    order(shape.count, inside: isLeft ? stacksInsideA : stacksInsideB, transposed: isLeft ? transposesA : transposesB).map { shape[$0] }
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let a = try context.tensor(0)
    let b = try context.tensor(1)
    let product = try MatrixProduct(arranged(a.shape, isLeft: true), arranged(b.shape, isLeft: false))
    return [.tensor(TensorType(a.element, product.output))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let a = try operands.shape(ofInput: 0)
    let b = try operands.shape(ofInput: 1)
    return .contraction(try operands.matrixProduct(shapes: (arranged(a, isLeft: true), arranged(b, isLeft: false))))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let a = operands.shape(.input(0)), let b = operands.shape(.input(1)) else { return [] }
    return operands.matrixTies(
      a: order(a.count, inside: stacksInsideA, transposed: transposesA), b: order(b.count, inside: stacksInsideB, transposed: transposesB))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    if !stacksInsideA, !stacksInsideB,
      let y = try context.product(a, try inputs.tensor(1), transposesA: transposesA, transposesB: transposesB)
    {
      return [.tensor(Tensor(.float32, y.shape, .float32(alpha == 1 ? y.elements : y.elements.map { $0 * alpha })))]
    }
    let product = try MatrixProduct.multiply(
      try operand(a, isLeft: true), try operand(try inputs.tensor(1), isLeft: false))
    return [.tensor(Tensor(a.element, product.shape, rounding: product.elements.map { $0 * Double(alpha) }))]
  }

  private func operand(_ tensor: Tensor, isLeft: Bool) throws(OperatorError) -> (shape: [Int], elements: [Double]) {
    let values = try tensor.doubles()
    let shape = arranged(tensor.shape, isLeft: isLeft)
    let strides = arranged(Broadcast.strides(tensor.shape, in: tensor.shape), isLeft: isLeft)
    // Extents of 1 have stride 0 here, which reads the same element.
    var elements: [Double] = []
    elements.reserveCapacity(values.count)
    var index = [Int](repeating: 0, count: shape.count)
    var offset = 0
    for _ in values.indices {
      elements.append(values[offset])
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < shape[axis] { break }
        offset -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return (shape, elements)
  }

  package static var onnxNames: [ONNXName] {
    ["FusedMatMul", "TransposeMatMul"].map { ONNXName(domain: "com.microsoft", $0) }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> FusedMatrixMultiply {
    FusedMatrixMultiply(
      alpha: try node.float("alpha") ?? 1, transposesA: try node.integer("transA") ?? 0 != 0,
      transposesB: try node.integer("transB") ?? 0 != 0, stacksInsideA: try node.integer("transBatchA") ?? 0 != 0,
      stacksInsideB: try node.integer("transBatchB") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "FusedMatMul"),
      [
        ("alpha", .float(alpha)), ("transA", .integer(transposesA ? 1 : 0)), ("transB", .integer(transposesB ? 1 : 0)),
        ("transBatchA", .integer(stacksInsideA ? 1 : 0)), ("transBatchB", .integer(stacksInsideB ? 1 : 0)),
      ])
  }
}
