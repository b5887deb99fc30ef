internal import IR

extension EvaluationContext {
  /// The stacked product of two f32 tensors through the lent kernels; nil when there are none or the types are others.
  func product(
    _ a: Tensor, _ b: Tensor, transposesA: Bool = false, transposesB: Bool = false
  ) throws(OperatorError) -> (shape: [Int], elements: [Float])? {
    guard let kernels, a.element == .float32, b.element == .float32, case .float32(let x) = a.elements,
      case .float32(let y) = b.elements, a.rank >= 2 || !transposesA, b.rank >= 2 || !transposesB
    else { return nil }
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
      return (shape, kernels.multiply(problem, x, y))
    }
    var offsets: [(a: Int, b: Int)] = []
    Broadcast.forEachPair(rule.batch.compactMap(\.constant), Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2))) {
      _, p, q in
      offsets.append((p * m * k, q * k * n))
    }
    let problem = MatrixProblem(m: m, n: n, k: k, transposesA: transposesA, transposesB: transposesB, offsets: offsets)
    return (shape, kernels.multiply(problem, x, y))
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
