package import IR
internal import Foundation

/// Self-attention of int8 numbers by scales alone, stored to int8 after each of its products (com.microsoft QOrderedAttention).
///
/// Inputs: x [b, s, i] by rows, its scale, scales of q, k and v, their weights [i, w] by columns (the bytes of [w, i] by rows),
/// scales of the weights (one or per column), biases [w] of real numbers, scale of the scores, scale of the probabilities, scale of
/// the result, optional mask (zeros hide a key) [b, s]. Output: [b, s, w]. Steps, each rounded to nearest even and saturated:
/// q = (Σ x·w·sx·sw + bias)/sq and so k and v, scores = Σ q·k·sq·sk/ss, probabilities = softmax(scores·ss/√d)/sp,
/// y = Σ p·v·sp·sv/sy.
package struct OrderedAttention: ONNXOperator {
  package static let name = "attention-ordered"

  package var heads: Int

  package init(heads: Int) { self.heads = heads }

  private static let (weights, weightScales, biases, mask) = (5, 8, 11, 17)

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 3 else { throw OperatorError("ranks-match", "the input must be [b, s, i], not \(x.shape.text)") }
    var width: IR.Dimension?
    for index in Self.weights..<Self.weights + 3 {
      let weight = try context.tensor(index)
      guard weight.rank == 2, weight.shape[0] == x.shape[2] || x.shape[2].constant == nil, width.map({ $0 == weight.shape[1] }) ?? true
      else { throw OperatorError("inner-extents", "input \(index) must be [i, w] of one width, not \(weight.shape.text)") }
      width = weight.shape[1]
    }
    guard let width, heads > 0, width.constant.map({ $0 % heads == 0 }) ?? true else {
      throw OperatorError("heads-divide", "\(width?.description ?? "") features do not divide into \(heads) heads")
    }
    return [.tensor(TensorType(.int8, [x.shape[0], x.shape[1], width]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (x, y) = (try operands.shape(ofInput: 0), try operands.shape(ofOutput: 0))
    let (input, output) = (try operands.input(0), try operands.output())
    let rows = Operand(element: .int8, count: x[0] * x[1] * y[2])
    var body: [Computation] = []
    for index in Self.weights..<Self.weights + 3 {
      body.append(
        .contraction(
          Contraction(
            batch: 1, m: x[0] * x[1], n: y[2], k: x[2], lhs: input, rhs: try operands.input(index), output: rows, hasBias: true)))
    }
    let hasMask = operands.inputs.count > Self.mask && operands.inputs[Self.mask] != nil
    body.append(
      .attention(
        Attention(
          batch: x[0], heads: heads, keyHeads: heads, queryLength: x[1], keyLength: x[1], headDimension: y[2] / heads,
          valueDimension: y[2] / heads, isCausal: false, hasMask: hasMask, query: rows, key: rows, value: rows, output: output)))
    return .loop(
      Loop(label: Self.name, tripCount: 1, body: body, inputs: try operands.presentInputs(), outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard x.rank == 3 else { throw OperatorError("ranks-match", "the input must be [b, s, i], not \(x.shape)") }
    func scale(_ index: Int) throws(OperatorError) -> Double {
      guard let scale = try inputs.optionalTensor(index)?.doubles().first, scale > 0 else {
        throw OperatorError("scale-shape", "input \(index) must be a positive scale")
      }
      return scale
    }
    var heads: [HeadTensor] = []
    for part in 0..<3 {
      let product: [Datum?] = [
        .tensor(x), inputs[1], .tensor(try byRows(inputs.tensor(Self.weights + part))), inputs[Self.weightScales + part], inputs[2 + part],
        inputs[Self.biases + part],
      ]
      let stored = try OrderedMatrixMultiply().evaluate(product, context).map { $0 }.tensor(0)
      let width = stored.shape[2]
      guard self.heads > 0, width % self.heads == 0 else {
        throw OperatorError("heads-divide", "\(width) features do not divide into \(self.heads) heads")
      }
      heads.append(
        HeadTensor(
          rows: try stored.doubles(), batch: x.shape[0], length: x.shape[1], width: width, heads: self.heads, depth: width / self.heads))
    }
    let mask = try inputs.optionalTensor(Self.mask)?.doubles()
    guard mask.map({ $0.count == x.shape[0] * x.shape[1] }) ?? true else {
      throw OperatorError("mask-broadcast", "the mask must be [\(x.shape[0]), \(x.shape[1])]")
    }
    var steps = Steps(scores: try scale(2) * (try scale(3)) / (try scale(14)), probabilities: try scale(15))
    steps.base = try scale(14) / Double(max(1, heads[0].depth)).squareRoot()
    steps.result = steps.probabilities * (try scale(4)) / (try scale(16))
    var y = heads[0]
    y.values = steps.attend(heads[0], heads[1], heads[2], mask)
    return [.tensor(Tensor(.int8, [x.shape[0], x.shape[1], y.heads * y.depth], saturating: y.rows.map(\.clampedInt64)))]
  }

  /// The same bytes as the rows they are.
  private func byRows(_ weight: Tensor) throws(OperatorError) -> Tensor {
    guard weight.rank == 2 else { throw OperatorError("ranks-match", "a weight must be [i, w], not \(weight.shape)") }
    return Tensor(.int8, [weight.shape[1], weight.shape[0]], saturating: try weight.integers())
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QOrderedAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OrderedAttention {
    try node.checkOrder("order_input", .rows)
    try node.checkOrder("order_weight", .columns)
    try node.checkOrder("order_output", .rows)
    guard let heads = try node.integer("num_heads"), heads > 0, heads < 1 << 30 else {
      throw OperatorError("missing-attribute", "QOrderedAttention needs a positive 'num_heads'")
    }
    guard try node.integer("unidirectional") ?? 0 == 0 else {
      throw OperatorError("attention-form", "'unidirectional' is not supported: the operator's kernel hides keys by its mask only")
    }
    let sizes = try node.integers("qkv_hidden_sizes") ?? []
    guard Set(sizes).count < 2 else { throw OperatorError("attention-form", "'qkv_hidden_sizes' must be equal, not \(sizes)") }
    for (index, name) in [(18, "past"), (19, "attention_bias")] where index < node.inputs.count {
      if case .absent = node.inputs[index] { continue }
      throw OperatorError("attention-form", "the input '\(name)' is not supported")
    }
    return OrderedAttention(heads: heads)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "QOrderedAttention"),
      [
        ("num_heads", .integer(heads)), ("order_input", .integer(MatrixOrder.rows.rawValue)),
        ("order_weight", .integer(MatrixOrder.columns.rawValue)), ("order_output", .integer(MatrixOrder.rows.rawValue)),
      ])
  }
}

/// The steps behind the projections, each stored as int8 in its own scale.
private struct Steps {
  /// Factor from a sum of products to a stored score.
  var scores: Double
  /// Scale of stored probabilities.
  var probabilities: Double
  /// Exponent of a stored score of 1.
  var base = 1.0
  /// Factor from a sum of products to a stored result.
  var result = 1.0

  private func stored(_ value: Double) -> Double { min(127, max(-128, value.rounded(.toNearestOrEven))) }

  /// [b, h, s, d] from operands of that shape; a mask of zeros hides keys [b, s].
  func attend(_ q: HeadTensor, _ k: HeadTensor, _ v: HeadTensor, _ mask: [Double]?) -> [Double] {
    var y = [Double](repeating: 0, count: q.values.count)
    var row = [Double](repeating: 0, count: k.length)
    for line in 0..<(q.batch * q.heads * q.length) {
      let first = line / q.length * k.length
      let image = line / q.length / q.heads
      for key in 0..<k.length {
        var sum = 0.0
        for index in 0..<q.depth { sum += q.values[line * q.depth + index] * k.values[(first + key) * q.depth + index] }
        row[key] = mask?[image * k.length + key] == 0 ? -.infinity : stored(sum * scores) * base
      }
      // A query that sees no key gives zeros.
      guard let largest = row.max(), largest > -.infinity else { continue }
      for key in row.indices { row[key] = Foundation.exp(row[key] - largest) }
      let whole = row.reduce(0, +)
      for key in row.indices { row[key] = stored(row[key] / whole / probabilities) }
      for index in 0..<v.depth {
        var sum = 0.0
        for key in row.indices { sum += row[key] * v.values[(first + key) * v.depth + index] }
        y[line * v.depth + index] = stored(sum * result)
      }
    }
    return y
  }
}
