package import IR

/// Attention over sequences that lie end to end without padding, each within itself (com.microsoft PackedMultiHeadAttention).
///
/// Inputs: q [t, h·d] (or [t, h, 3, d] with keys and values inside), k [t, h·d], v [t, h·e], optional bias of all three,
/// places of the tokens in the padded batch [b, s], ends of the sequences [b + 1] counted from 0, optional addend to the
/// scores [b or 1, h or 1, s, s]. Output: [t, h·e].
package struct UnpaddedAttention: ONNXOperator {
  package static let name = "attention-unpadded"

  package var heads: Int
  package var scale: Float?

  package init(heads: Int, scale: Float? = nil) {
    self.heads = heads
    self.scale = scale
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let q = try context.tensor(0)
    guard q.rank == 4 || q.rank == 2, heads > 0 else {
      throw OperatorError("ranks-match", "queries must be [t, h·d] or [t, h, 3, d], not \(q.shape.text)")
    }
    let width = q.rank == 4 ? q.shape[1] * q.shape[3] : try context.tensor(2).shape.last ?? 0
    return [.tensor(TensorType(q.element, [q.shape[0], width]))]
  }

  /// The lengths are data: the tokens are taken as sequences of one length.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let q = try operands.shape(ofInput: 0)
    let width = q.count == 4 ? q[1] * q[3] : q[1]
    let output = try operands.output()
    let batch = max(1, try operands.shape(ofInput: 5)[0] - 1)
    return .attention(
      try Self.cost(
        batch: batch, tokens: q[0], heads: heads, widths: (width, try operands.shape(ofOutput: 0)[1]), output,
        hasMask: operands.inputs.count > 6 && operands.inputs[6] != nil))
  }

  /// Attention of `tokens` in `batch` sequences of one length, which is rounded up.
  static func cost(
    batch: Int, tokens: Int, heads: Int, widths: (key: Int, value: Int), _ output: Operand, hasMask: Bool
  ) throws(OperatorError) -> Attention {
    guard heads > 0, widths.key % heads == 0, widths.value % heads == 0 else {
      throw OperatorError("heads-divide", "\(widths.key) and \(widths.value) features do not divide into \(heads) heads")
    }
    let length = tokens.ceilingQuotient(batch)
    func rows(_ width: Int) -> Operand { Operand(element: output.element, count: tokens * width) }
    return Attention(
      batch: batch, heads: heads, keyHeads: heads, queryLength: length, keyLength: length, headDimension: widths.key / heads,
      valueDimension: widths.value / heads, isCausal: false, hasMask: hasMask, query: rows(widths.key), key: rows(widths.key),
      value: rows(widths.value), output: output)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let q = try inputs.tensor(0)
    let tokens = q.shape.first ?? 0
    var rows = TokenRows(heads: heads, q: [], k: [], v: [], widths: (0, 0))
    if q.rank == 4 {
      guard q.shape[1] == heads, q.shape[2] == 3 else { throw OperatorError("heads-divide", "\(q.shape) does not hold \(heads) heads") }
      let (values, depth) = (try q.doubles(), q.shape[3])
      func part(_ index: Int) -> [Double] {
        (0..<tokens * heads).flatMap { values[(($0 * 3 + index) * depth)..<(($0 * 3 + index + 1) * depth)] }
      }
      rows = TokenRows(heads: heads, q: part(0), k: part(1), v: part(2), widths: (heads * depth, heads * depth))
    } else {
      let (k, v) = (try inputs.tensor(1), try inputs.tensor(2))
      guard q.rank == 2, k.shape == q.shape, v.rank == 2, v.shape[0] == tokens else {
        throw OperatorError("ranks-match", "queries \(q.shape), keys \(k.shape) and values \(v.shape) are not [t, h·d]")
      }
      rows = TokenRows(
        heads: heads, q: try q.doubles(), k: try k.doubles(), v: try v.doubles(), widths: (q.shape[1], v.shape[1]))
    }
    if let bias = try inputs.optionalTensor(3)?.doubles() { try rows.add(bias) }
    let y = try rows.attend(ends: try inputs.integers(5), addend: try inputs.optionalTensor(6), scale: scale)
    return [.tensor(Tensor(q.element, [tokens, rows.widths.value], rounding: y))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "PackedMultiHeadAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> UnpaddedAttention {
    // There are no padded keys that a filter value would have to hide.
    node.ignore("mask_filter_value")
    let (heads, scale) = try node.headsAndScale()
    return UnpaddedAttention(heads: heads, scale: scale)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "PackedMultiHeadAttention"),
      [("num_heads", .integer(heads))] + (scale.map { [("scale", .float($0))] } ?? []))
  }
}

extension ONNXNode {
  /// `num_heads`, which every attention needs, and `scale`, where 0 means the usual one.
  mutating func headsAndScale() throws(OperatorError) -> (heads: Int, scale: Float?) {
    guard let heads = try integer("num_heads"), heads > 0, heads < 1 << 30 else {
      throw OperatorError("missing-attribute", "\(name.type) needs a positive 'num_heads'")
    }
    let scale = try float("scale")
    return (heads, scale == 0 ? nil : scale)
  }
}

/// Queries, keys and values of tokens, heads side by side.
struct TokenRows {
  let heads: Int
  var q: [Double]
  var k: [Double]
  var v: [Double]
  let widths: (key: Int, value: Int)

  /// Adds one number per feature of queries, keys and values.
  mutating func add(_ bias: [Double]) throws(OperatorError) {
    guard bias.count == 2 * widths.key + widths.value else {
      throw OperatorError("bias-broadcast", "the bias has \(bias.count) elements, not \(2 * widths.key + widths.value)")
    }
    for index in q.indices { q[index] += bias[index % widths.key] }
    for index in k.indices { k[index] += bias[widths.key + index % widths.key] }
    for index in v.indices { v[index] += bias[2 * widths.key + index % widths.value] }
  }

  /// Attention within every sequence; the rows of the results.
  ///
  /// - Parameter ends: where sequences begin and end: 0 and the number of tokens up to each end.
  func attend(ends: [Int], addend: Tensor?, scale: Float?) throws(OperatorError) -> [Double] {
    let tokens = widths.key > 0 ? q.count / widths.key : 0
    guard widths.key % heads == 0, widths.value % heads == 0, ends.first == 0, ends.last == tokens,
      zip(ends, ends.dropFirst()).allSatisfy({ $0 <= $1 })
    else {
      throw OperatorError(
        "sequence-ends", "ends \(ends.prefix(8)) do not divide \(tokens) tokens, or \(widths.key) features not into \(heads) heads")
    }
    var result: [Double] = []
    result.reserveCapacity(v.count)
    for (index, (start, end)) in zip(ends, ends.dropFirst()).enumerated() where end > start {
      let length = end - start
      func part(_ values: [Double], _ width: Int) -> HeadTensor {
        HeadTensor(
          rows: Array(values[(start * width)..<(end * width)]), batch: 1, length: length, width: width, heads: heads, depth: width / heads)
      }
      let (q, k, v) = (part(q, widths.key), part(k, widths.key), part(v, widths.value))
      var rule = AttentionScores(batch: 1, heads: heads, keyHeads: heads, queries: length, keys: length)
      rule.scale = scale.map(Double.init)
      if let addend { try rule.add(try Self.corner(of: addend, image: index, length: length)) }
      let y = rule.attend(q.values, k.values, v.values, depth: q.depth, valueDepth: v.depth)
      result += HeadTensor(batch: 1, heads: heads, length: length, depth: v.depth, values: y).rows
    }
    return result
  }

  /// The part of a padded addend [b or 1, h or 1, s, s] for one sequence: [1, h or 1, length, length].
  private static func corner(of addend: Tensor, image: Int, length: Int) throws(OperatorError) -> Tensor {
    guard addend.rank == 4, addend.shape[0] == 1 || image < addend.shape[0], addend.shape[2] >= length, addend.shape[3] >= length else {
      throw OperatorError("mask-broadcast", "an addend \(addend.shape) has no \(length) × \(length) scores for sequence \(image)")
    }
    let values = try addend.doubles()
    let (heads, rows, columns) = (addend.shape[1], addend.shape[2], addend.shape[3])
    let first = addend.shape[0] == 1 ? 0 : image * heads
    var part: [Double] = []
    for head in 0..<heads {
      for row in 0..<length {
        let start = ((first + head) * rows + row) * columns
        part += values[start..<(start + length)]
      }
    }
    return Tensor(.float64, [1, heads, length, length], .float64(part))
  }
}
