package import IR

/// Projection to queries, keys and values, attention, and heads side by side again, with an optional cache.
///
/// Inputs: x [b, s, i], weight [i, q + k + v], optional bias, optional mask ([b] lengths, or zeros and ones [b, t],
/// [b, s, t]), optional cache [2, b, h, p, d], optional addend to the scores. Outputs: y [b, s, v], optional cache.
package struct PackedAttention: ONNXOperator {
  package static let name = "attention-packed"

  package var heads: Int
  package var isCausal: Bool
  package var scale: Float?
  /// Widths of queries, keys and values; empty for thirds.
  package var widths: [Int]
  /// Added to scores of masked keys.
  package var maskValue: Float

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let weight = try context.tensor(1)
    guard x.rank == 3, weight.rank == 2, heads > 0 else {
      throw OperatorError("ranks-match", "the input must be [b, s, i] and the weight [i, q + k + v]")
    }
    let third = weight.shape[1].floorDivided(by: 3)
    let value = widths.count == 3 ? Dimension.constant(widths[2]) : third
    let y = ValueType.tensor(TensorType(x.element, [x.shape[0], x.shape[1], value]))
    guard context.outputCount > 1 else { return [y] }
    let past = try context.optionalTensor(4)?.shape[3] ?? 0
    let depth = (widths.count == 3 ? .constant(widths[1]) : third).floorDivided(by: .constant(heads))
    return [y, .tensor(TensorType(x.element, [2, x.shape[0], .constant(heads), past + x.shape[1], depth]))]
  }

  private func split(_ total: Int) throws(OperatorError) -> (q: Int, k: Int, v: Int) {
    let (q, k, v) = widths.count == 3 ? (widths[0], widths[1], widths[2]) : (total / 3, total / 3, total / 3)
    guard q == k, q % heads == 0, v % heads == 0, q + k + v == total else {
      throw OperatorError("heads-divide", "\(total) features do not divide into \(heads) heads")
    }
    return (q, k, v)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try AttentionCost(operands).packed(widths: try split(try operands.shape(ofInput: 1)[1]), heads: heads, isCausal: isCausal)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let weight = try inputs.tensor(1)
    let projected = try MatrixMultiply().evaluate([.tensor(x), .tensor(weight)], context).map { $0 }.tensor(0)
    let rows = try projected.doubles().shifted(by: try inputs.optionalTensor(2), shape: projected.shape)
    return try attend(rows, x, total: weight.shape[1], inputs, context, mask: 3)
  }

  /// Attention on projected rows [b, s, q + k + v]; mask, cache and addend are the inputs from `mask` on.
  func attend(
    _ rows: [Double], _ x: Tensor, total: Int, _ inputs: [Datum?], _ context: EvaluationContext, mask: Int
  ) throws(OperatorError) -> [Datum] {
    guard x.rank == 3 else { throw OperatorError("ranks-match", "the input must be [b, s, i], not \(x.shape)") }
    let (batch, length) = (x.shape[0], x.shape[1])
    let widths = try split(total)
    func part(_ start: Int, _ width: Int) -> HeadTensor {
      HeadTensor(rows: rows, batch: batch, length: length, width: total, start: start, heads: heads, depth: width / heads)
    }
    let q = part(0, widths.q)
    var (k, v) = (part(widths.q, widths.k), part(widths.q + widths.k, widths.v))
    if let past = try inputs.optionalTensor(mask + 1) {
      let values = try past.doubles()
      let half = values.count / 2
      guard past.rank == 5, past.shape[0] == 2 else { throw OperatorError("cache-shape", "the cache must be [2, b, h, p, d]") }
      func cache(_ slice: ArraySlice<Double>) -> HeadTensor {
        HeadTensor(batch: batch, heads: heads, length: past.shape[3], depth: past.shape[4], values: Array(slice))
      }
      k = cache(values[..<half]).appending(k)
      v = cache(values[half...]).appending(v)
    }
    var rule = AttentionScores(batch: batch, heads: heads, keyHeads: heads, queries: length, keys: k.length)
    rule.scale = scale.map(Double.init)
    rule.isCausal = isCausal
    if let mask = try inputs.optionalTensor(mask) { try rule.add(padding: mask, value: Double(maskValue)) }
    if let addend = try inputs.optionalTensor(mask + 2) { try rule.add(addend) }
    let y = rule.attend(
      q.values, k.values, v.values, depth: q.depth, valueDepth: v.depth,
      kernels: x.element == .float32 ? context.kernels : nil)
    let joined = HeadTensor(batch: batch, heads: heads, length: length, depth: v.depth, values: y)
    let result = Datum.tensor(Tensor(x.element, [batch, length, widths.v], rounding: joined.rows))
    guard context.outputCount > 1 else { return [result] }
    return [result, .tensor(Tensor(x.element, [2] + k.shape, rounding: k.values + v.values))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "Attention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> PackedAttention {
    try PackedAttention(importing: &node)
  }

  init(importing node: inout ONNXNode) throws(OperatorError) {
    guard let heads = try node.integer("num_heads"), heads > 0, heads < 1 << 30 else {
      throw OperatorError("missing-attribute", "\(node.name.type) needs a positive 'num_heads'")
    }
    guard try node.integer("do_rotary") ?? 0 == 0 else { throw OperatorError("attention-form", "built-in rotation is not supported") }
    for attribute in ["rotary_embedding_dim", "past_present_share_buffer"] { node.ignore(attribute) }
    let scale = try node.float("scale")
    self.init(
      heads: heads, isCausal: try node.integer("unidirectional") ?? 0 != 0, scale: scale == 0 ? nil : scale,
      widths: try node.integers("qkv_hidden_sizes") ?? [], maskValue: try node.float("mask_filter_value") ?? -10000)
  }

  package init(heads: Int, isCausal: Bool = false, scale: Float? = nil, widths: [Int] = [], maskValue: Float = -10000) {
    self.heads = heads
    self.isCausal = isCausal
    self.scale = scale
    self.widths = widths
    self.maskValue = maskValue
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(domain: "com.microsoft", "Attention"), onnxAttributes) }

  var onnxAttributes: [(name: String, value: ONNXAttribute)] {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("num_heads", .integer(heads)), ("unidirectional", .integer(isCausal ? 1 : 0)), ("mask_filter_value", .float(maskValue)),
    ]
    if let scale { attributes.append(("scale", .float(scale))) }
    if !widths.isEmpty { attributes.append(("qkv_hidden_sizes", .integers(widths))) }
    return attributes
  }
}
