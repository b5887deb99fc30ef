internal import IR

extension EvaluationContext {
  /// The stacked product of two f32 tensors through the lent kernels; nil when there are none or the types are others.
  func product(
    _ a: Tensor, _ b: Tensor, transposesA: Bool = false, transposesB: Bool = false
  ) throws(OperatorError) -> (shape: [Int], elements: [Float])? {
    guard let kernels, a.element == .float32, b.element == .float32, case .float32(let x) = a.elements,
      case .float32(let y) = b.elements,
      let (shape, problem) = try problem(a, b, transposesA: transposesA, transposesB: transposesB)
    else { return nil }
    return (shape, kernels.multiply(problem, x, y))
  }

  /// Σ (a − za)·(b − zb) of stacked matrices of stored integers, as 32-bit sums.
  ///
  /// Zero points as for `centred`: one number, or one per row of a and per column of b.
  func integerProduct(
    _ a: Tensor, zeroA: Tensor?, _ b: Tensor, zeroB: Tensor?, transposesA: Bool = false, transposesB: Bool = false
  ) throws(OperatorError) -> (shape: [Int], elements: [Int32]) {
    let lines = (a: transposesA ? MatrixLines.columns : .rows, b: transposesB ? MatrixLines.rows : .columns)
    if let kernels, a.element.bits <= 8, b.element.bits <= 8,
      let (shape, problem) = try problem(a, b, transposesA: transposesA, transposesB: transposesB)
    {
      let x = try a.centredFloats(zeroA, along: lines.a)
      return (shape, kernels.multiplyExactly(problem, x, try b.centredFloats(zeroB, along: lines.b)))
    }
    var left = (shape: a.shape, elements: try a.centred(zeroA, along: lines.a))
    var right = (shape: b.shape, elements: try b.centred(zeroB, along: lines.b))
    if transposesA { left = MatrixProduct.transposed(left) }
    if transposesB { right = MatrixProduct.transposed(right) }
    let sums = try MatrixProduct.multiply(left, right)
    return (sums.shape, sums.elements.map { Int32(truncatingIfNeeded: $0) })
  }

  /// The stack of products two tensors make, and the shape of its result; nil for transposed vectors.
  private func problem(
    _ a: Tensor, _ b: Tensor, transposesA: Bool, transposesB: Bool
  ) throws(OperatorError) -> (shape: [Int], problem: MatrixProblem)? {
    guard a.rank >= 2 || !transposesA, b.rank >= 2 || !transposesB else { return nil }
    func read(_ tensor: Tensor, _ isTransposed: Bool) -> [Dimension] {
      var shape = tensor.shape
      if isTransposed { shape.swapAt(shape.count - 2, shape.count - 1) }
      return shape.map(Dimension.constant)
    }
    let rule = try MatrixProduct(read(a, transposesA), read(b, transposesB))
    guard let m = rule.m.constant, let n = rule.n.constant, let k = rule.k.constant else { return nil }
    let shape = rule.output.compactMap(\.constant)
    // A right operand without leading axes serves all rows of the stack as one product.
    if b.rank == 2, !transposesA, a.rank > 2 {
      let problem = MatrixProblem(m: a.count / max(k, 1), n: n, k: k, transposesB: transposesB)
      return (shape, problem)
    }
    var offsets: [(a: Int, b: Int)] = []
    Broadcast.forEachPair(rule.batch.compactMap(\.constant), Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2))) {
      _, p, q in
      offsets.append((p * m * k, q * k * n))
    }
    return (
      shape,
      MatrixProblem(m: m, n: n, k: k, transposesA: transposesA, transposesB: transposesB, offsets: offsets)
    )
  }

  /// An f32 convolution with an optional bias per filter through the lent kernels; nil when there are none.
  func convolution(_ geometry: Convolution, _ x: Tensor, _ w: Tensor, bias: Tensor?, shape: [Int]) throws(OperatorError)
    -> Tensor?
  {
    guard let kernels, x.element == .float32, w.element == .float32, case .float32(let input) = x.elements,
      case .float32(let weights) = w.elements
    else { return nil }
    let summands = try bias?.floats()
    guard summands.map({ $0.count == geometry.outputChannels }) ?? true else {
      throw OperatorError("bias-shape", "a bias of \(summands?.count ?? 0) elements for \(geometry.outputChannels) filters")
    }
    return Tensor(.float32, shape, .float32(kernels.convolve(geometry, input, weights, bias: summands)))
  }
}
