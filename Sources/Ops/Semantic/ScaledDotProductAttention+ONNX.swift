package import IR

extension ScaledDotProductAttention: ONNXDecomposable {
  /// Largest mask of positions that is written out, in elements.
  private static let maskLimit = 1 << 24

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    let (q, k, v) = (try context.tensor(0), try context.tensor(1), try context.tensor(2))
    var body = BodyBuilder("attention", context)
    let keys = try shared(body.inputs[1], k, heads: q.shape[1], "keys", &body)
    let values = try shared(body.inputs[2], v, heads: q.shape[1], "values", &body)
    let turned = try body.add(Transpose([0, 1, 3, 2]), [keys], "transposed-keys")
    guard let factor = scale.map(Double.init) ?? q.shape[3].constant.map({ 1 / Double(max($0, 1)).squareRoot() }) else {
      throw OperatorError("unbound-dimension", "the depth of the queries is not known")
    }
    let products = try body.add(MatrixMultiply(), [body.inputs[0], turned], "products")
    let factorValue = body.scalar(factor, q.element, "scale")
    var scores = try body.add(BinaryElementwise(.mul), [products, factorValue], "scores")
    if let cap {
      let bound = body.scalar(Double(cap), q.element, "cap")
      let shares = try body.add(BinaryElementwise(.div), [scores, bound], "shares")
      scores = try body.add(
        BinaryElementwise(.mul), [try body.add(UnaryElementwise(.tanh), [shares], "bounded-shares"), bound], "capped-scores")
    }
    let hidden = body.scalar(-.infinity, q.element, "hidden")
    if isCausal || window != nil {
      let visible = body.constant(try visiblePositions(q.shape[2], k.shape[2]), "visible")
      scores = try body.add(Where(), [visible, scores, hidden], "visible-scores")
    }
    if context.hasInput(3), let mask = try context.optionalTensor(3) {
      scores =
        mask.element == .bool
        ? try body.add(Where(), [body.inputs[3], scores, hidden], "kept-scores")
        : try body.add(BinaryElementwise(.add), [scores, body.inputs[3]], "masked-scores")
    }
    if context.hasInput(4), let sinks = body.inputs.last { scores = try beside(scores, sinks, &body) }
    var weights = try body.add(Softmax(axis: -1), [scores], "weights")
    if context.hasInput(4) { weights = try columns(weights, 0, -1, "weights-of-keys", &body) }
    let output = try body.add(MatrixMultiply(), [weights, values], "weighted-sum")
    return body.finish(output)
  }

  /// Scores with one more behind those of the keys.
  private func beside(_ scores: ValueID, _ sinks: ValueID, _ body: inout BodyBuilder) throws(OperatorError) -> ValueID {
    let shape = try body.add(ShapeOf(), [try columns(scores, 0, 1, "first-scores", &body)], "column-shape")
    let column = try body.add(Expand(), [sinks, shape], "sinks")
    return try body.add(Concatenate(axis: -1), [scores, column], "scores-and-sinks")
  }

  private func columns(
    _ value: ValueID, _ start: Int64, _ end: Int64, _ name: String, _ body: inout BodyBuilder
  ) throws(OperatorError) -> ValueID {
    let range = [start, end, -1].map { body.constant(Tensor([1], integers: [$0]), "\(name).range") }
    return try body.add(Slice(), [value] + range, name)
  }

  /// Key or value heads repeated so that every query head has its own.
  private func shared(
    _ value: ValueID, _ type: TensorType, heads: Dimension, _ name: String, _ body: inout BodyBuilder
  ) throws(OperatorError) -> ValueID {
    guard type.shape[1] != heads else { return value }
    guard let heads = heads.constant, let shared = type.shape[1].constant, shared > 0, let depth = type.shape[3].constant else {
      throw OperatorError("unbound-dimension", "shared heads need a known number and depth")
    }
    if shared == 1 { return value }
    func vector(_ numbers: [Int]) -> Tensor { Tensor([numbers.count], integers: numbers.map(Int64.init)) }
    let axis = body.constant(vector([2]), "\(name)-axis")
    let apart = try body.add(Unsqueeze(), [value, axis], "\(name)-apart")
    // Batch and length may be unbound: the batch is copied, the length is what is left.
    let repeated = try body.add(
      Concatenate(axis: 2), [ValueID?](repeating: apart, count: heads / shared), "\(name)-repeated")
    let together = body.constant(vector([0, heads, -1, depth]), "\(name)-shape")
    return try body.add(Reshape(), [repeated, together], name)
  }

  /// True where a query may see a key.
  private func visiblePositions(_ queries: Dimension, _ keys: Dimension) throws(OperatorError) -> Tensor {
    guard let s = queries.constant, let t = keys.constant, let count = [s, t].checkedProduct,
      count <= ScaledDotProductAttention.maskLimit
    else { throw OperatorError("unbound-dimension", "the mask of positions needs known, moderate lengths") }
    var visible: [Bool] = []
    visible.reserveCapacity(count)
    for query in 0..<s {
      let position = query + t - s
      for key in 0..<t {
        visible.append(key <= position && (window.map { key > position - $0 } ?? true))
      }
    }
    return Tensor(.bool, [s, t], .bool(visible))
  }
}
