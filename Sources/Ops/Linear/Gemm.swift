package import IR

/// y = alpha·op(a)·op(b) + beta·c, where op optionally transposes.
///
/// Inputs: a [m, k] or [k, m], b [k, n] or [n, k], optional c broadcast to [m, n]. Output: [m, n].
package struct Gemm: ONNXOperator, WeightedOperator {
  package static let name = "gemm"

  package var alpha: Float
  package var beta: Float
  package var transposesA: Bool
  package var transposesB: Bool

  package init(alpha: Float = 1, beta: Float = 1, transposesA: Bool = false, transposesB: Bool = false) {
    self.alpha = alpha
    self.beta = beta
    self.transposesA = transposesA
    self.transposesB = transposesB
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let a = try context.tensor(0)
    let b = try context.tensor(1)
    guard a.rank == 2, b.rank == 2 else {
      throw OperatorError("ranks-match", "a Gemm multiplies matrices, not \(a.shape.text) and \(b.shape.text)")
    }
    let product = try MatrixProduct(
      transposesA ? a.shape.reversed() : a.shape, transposesB ? b.shape.reversed() : b.shape)
    if let c = try context.optionalTensor(2) {
      guard c.rank <= 2, try Broadcast.shape([product.output, c.shape]).count == 2 else {
        throw OperatorError("bias-broadcast", "the bias \(c.shape.text) does not broadcast to \(product.output.text)")
      }
    }
    return [.tensor(TensorType(a.element, product.output))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let a = try operands.shape(ofInput: 0)
    let b = try operands.shape(ofInput: 1)
    return .contraction(
      try operands.matrixProduct(
        shapes: (transposesA ? a.reversed() : a, transposesB ? b.reversed() : b),
        hasBias: operands.inputs.count > 2 && operands.inputs[2] != nil))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    operands.matrixTies(a: transposesA ? [1, 0] : [0, 1], b: transposesB ? [1, 0] : [0, 1], bias: 2)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    let b = try inputs.tensor(1)
    if let product = try context.product(a, b, transposesA: transposesA, transposesB: transposesB) {
      return [.tensor(try finished(product.elements, product.shape, inputs))]
    }
    var left = (shape: a.shape, elements: try a.doubles())
    var right = (shape: b.shape, elements: try b.doubles())
    if transposesA { left = MatrixProduct.transposed(left) }
    if transposesB { right = MatrixProduct.transposed(right) }
    let product = try MatrixProduct.multiply(left, right)
    var y = product.elements.map { Double(alpha) * $0 }
    if let c = try inputs.optionalTensor(2) {
      let bias = try c.doubles()
      Broadcast.forEachPair(product.shape, product.shape, c.shape) { position, _, offset in
        y[position] += Double(beta) * bias[offset]
      }
    }
    return [.tensor(Tensor(a.element, product.shape, rounding: y))]
  }

  /// alpha·product + beta·c in single precision.
  private func finished(_ product: [Float], _ shape: [Int], _ inputs: [Datum?]) throws(OperatorError) -> Tensor {
    let y = Tensor(.float32, shape, .float32(alpha == 1 ? product : product.map { $0 * alpha }))
    guard let c = try inputs.optionalTensor(2) else { return y }
    let bias = beta == 1 ? try c.floats() : try c.floats().map { $0 * beta }
    return try BinaryElementwise.Function.add.apply(y, Tensor(.float32, c.shape, .float32(bias)))
  }

  package static var onnxNames: [ONNXName] { ["Gemm"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Gemm {
    node.ignore("broadcast")
    return Gemm(
      alpha: try node.float("alpha") ?? 1, beta: try node.float("beta") ?? 1,
      transposesA: try node.integer("transA") ?? 0 != 0, transposesB: try node.integer("transB") ?? 0 != 0)
  }

  package func weightLayout(rank: Int) -> WeightLayout {
    WeightLayout(
      outputAxis: transposesB ? 0 : 1, reductionAxes: [transposesB ? 1 : 0], channelAxisOfInput: transposesA ? 0 : 1, biasInput: 2)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "Gemm",
      [
        ("alpha", .float(alpha)), ("beta", .float(beta)), ("transA", .integer(transposesA ? 1 : 0)),
        ("transB", .integer(transposesB ? 1 : 0)),
      ])
  }
}
