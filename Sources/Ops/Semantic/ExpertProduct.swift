package import IR

/// y[s] = W[id[s]]·x[s]: every row multiplies the weights of the expert it was routed to (grouped product of a mixture of experts).
///
/// Inputs: x [s, k], weights [e, n, k], ids [s]. Output: [s, n].
package struct ExpertProduct: Operator {
  package static let name = "expert-product"

  /// Weights are [e, k, n].
  package var isTransposed: Bool

  /// Different experts each token was routed to; its rows follow each other.
  package var choices: Int

  package init(isTransposed: Bool = false, choices: Int = 1) {
    self.isTransposed = isTransposed
    self.choices = choices
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, w, ids) = (try context.tensor(0), try context.tensor(1), try context.tensor(2))
    guard x.rank == 2, w.rank == 3, ids.rank == 1 else {
      throw OperatorError("ranks-match", "an expert product takes rows [s, k], weights [e, n, k] and ids [s]")
    }
    let depth = w.shape[isTransposed ? 1 : 2]
    if let a = x.shape[1].constant, let b = depth.constant, a != b {
      throw OperatorError("inner-extents", "rows of \(a) elements meet experts of \(b)")
    }
    return [.tensor(TensorType(x.element, [x.shape[0], w.shape[isTransposed ? 2 : 1]]))]
  }

  /// One contraction whose rows choose among the experts' weights.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (x, w) = (try operands.shape(ofInput: 0), try operands.shape(ofInput: 1))
    return .contraction(
      Contraction(
        batch: 1, m: x[0], n: w[isTransposed ? 2 : 1], k: x[1], lhs: try operands.input(0), rhs: try operands.input(1),
        output: try operands.output(), experts: w[0], choices: choices))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, w) = (try inputs.tensor(0), try inputs.tensor(1))
    let ids = try inputs.integers(2)
    let (rows, weights) = (try x.doubles(), try w.doubles())
    let (experts, depth, width) = (w.shape[0], x.shape[1], w.shape[isTransposed ? 2 : 1])
    guard ids.count == x.shape[0], weights.count == experts * depth * width else {
      throw OperatorError("inner-extents", "rows, weights and ids do not fit")
    }
    var y = [Double](repeating: 0, count: x.shape[0] * width)
    for (row, id) in ids.enumerated() {
      let expert = id < 0 ? id + experts : id
      guard expert >= 0, expert < experts else { throw OperatorError("index-range", "expert \(id) of \(experts)") }
      for column in 0..<width {
        var sum = 0.0
        for index in 0..<depth {
          let place = isTransposed ? index * width + column : column * depth + index
          sum += rows[row * depth + index] * weights[expert * depth * width + place]
        }
        y[row * width + column] = sum
      }
    }
    return [.tensor(Tensor(x.element, [x.shape[0], width], rounding: y))]
  }
}

extension ExpertProduct: ONNXDecomposable {
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder("expert-product", context)
    let chosen = try body.add(Gather(axis: 0), [body.inputs[1], body.inputs[2]], "chosen")
    let axis = body.constant(Tensor([1], integers: [isTransposed ? 1 : 2]), "axis")
    let row = try body.add(Unsqueeze(), [body.inputs[0], axis], "row")
    let product = try body.add(MatrixMultiply(), isTransposed ? [row, chosen] : [chosen, row], "product")
    return body.finish(try body.add(Squeeze(), [product, axis], "products"))
  }
}
