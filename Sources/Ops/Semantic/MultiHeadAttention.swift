package import IR

/// Attention on rows whose heads lie side by side, with optional bias, masks and cache.
///
/// Inputs: q [b, s, h·d] (or [b, s, h, 3, d] with keys and values inside), k [b, t, h·d] (or [b, t, h, 2, d] with values,
/// or [b, h, t, d]), v [b, t, h·e] (or [b, h, t, e]), optional bias of all three, padding mask, addend to the scores,
/// cached keys and values [b, h, p, d]. Outputs: y [b, s, h·e], optional new caches.
package struct MultiHeadAttention: ONNXOperator {
  package static let name = "attention-multi-head"

  package var heads: Int
  package var isCausal: Bool
  package var scale: Float?
  package var maskValue: Float

  package init(heads: Int, isCausal: Bool = false, scale: Float? = nil, maskValue: Float = -10000) {
    self.heads = heads
    self.isCausal = isCausal
    self.scale = scale
    self.maskValue = maskValue
  }

  /// Extents of the operands, however they are packed.
  private struct Layout<Extent> {
    var batch: Extent
    var queries: Extent
    var keys: Extent
    var depth: Extent
    var valueDepth: Extent
  }

  private func layout(_ q: [Dimension], _ k: [Dimension]?, _ v: [Dimension]?) throws(OperatorError) -> Layout<Dimension> {
    let h = Dimension.constant(heads)
    if q.count == 5 { return Layout(batch: q[0], queries: q[1], keys: q[1], depth: q[4], valueDepth: q[4]) }
    guard q.count == 3, let k else { throw OperatorError("attention-form", "queries must be [b, s, h·d], with keys beside them") }
    let depth = q[2].floorDivided(by: h)
    if k.count == 5 { return Layout(batch: q[0], queries: q[1], keys: k[1], depth: depth, valueDepth: k[4]) }
    guard let v, k.count == v.count, k.count == 3 || k.count == 4 else {
      throw OperatorError("attention-form", "keys and values must both be [b, t, h·d] or [b, h, t, d]")
    }
    return k.count == 4
      ? Layout(batch: q[0], queries: q[1], keys: k[2], depth: depth, valueDepth: v[3])
      : Layout(batch: q[0], queries: q[1], keys: k[1], depth: depth, valueDepth: v[2].floorDivided(by: h))
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let q = try context.tensor(0)
    let layout = try layout(q.shape, context.optionalTensor(1)?.shape, context.optionalTensor(2)?.shape)
    let h = Dimension.constant(heads)
    let total = (try context.optionalTensor(6)?.shape[2] ?? 0) + layout.keys
    let shapes = [
      [layout.batch, layout.queries, layout.valueDepth * h], [layout.batch, h, total, layout.depth],
      [layout.batch, h, total, layout.valueDepth],
    ]
    return shapes.prefix(max(1, context.outputCount)).map { .tensor(TensorType(q.element, $0)) }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    func shape(_ index: Int) -> [Dimension]? { index < operands.inputs.count ? operands.inputs[index]?.tensor?.shape : nil }
    let layout = try layout(shape(0) ?? [], shape(1), shape(2))
    let output = try operands.output()
    let past = shape(6)?[2].constant ?? 0
    guard let batch = layout.batch.constant, let queries = layout.queries.constant, let keys = layout.keys.constant,
      let depth = layout.depth.constant, let valueDepth = layout.valueDepth.constant
    else { throw OperatorError("unbound-dimension", "the attention still has unbound dimensions") }
    func rows(_ steps: Int, _ depth: Int) -> Operand { Operand(element: output.element, count: batch * heads * steps * depth) }
    return .attention(
      Attention(
        batch: batch, heads: heads, keyHeads: heads, queryLength: queries, keyLength: past + keys, headDimension: depth,
        valueDimension: valueDepth, isCausal: isCausal, hasMask: shape(4) != nil || shape(5) != nil, query: rows(queries, depth),
        key: rows(past + keys, depth), value: rows(past + keys, valueDepth), output: output))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let query = try inputs.tensor(0)
    var (q, k, v) = try operands(inputs)
    if let bias = try inputs.optionalTensor(3)?.doubles() {
      let width = heads * q.depth
      guard bias.count == 2 * width + heads * v.depth else { throw OperatorError("bias-broadcast", "the bias has \(bias.count) elements") }
      q.add(bias[..<width])
      k.add(bias[width..<(2 * width)])
      v.add(bias[(2 * width)...])
    }
    if let past = try inputs.optionalTensor(6) { k = try HeadTensor(past).appending(k) }
    if let past = try inputs.optionalTensor(7) { v = try HeadTensor(past).appending(v) }
    guard k.length == v.length, k.depth == q.depth else { throw OperatorError("lengths-match", "keys and values differ in length") }
    var rule = AttentionScores(batch: q.batch, heads: heads, keyHeads: heads, queries: q.length, keys: k.length)
    rule.scale = scale.map(Double.init)
    rule.isCausal = isCausal
    if let mask = try inputs.optionalTensor(4) { try rule.add(padding: mask, value: Double(maskValue)) }
    if let addend = try inputs.optionalTensor(5) { try rule.add(addend) }
    let y = rule.attend(
      q.values, k.values, v.values, depth: q.depth, valueDepth: v.depth,
      kernels: query.element == .float32 ? context.kernels : nil)
    let result = HeadTensor(batch: q.batch, heads: heads, length: q.length, depth: v.depth, values: y)
    let outputs = [
      Tensor(query.element, [q.batch, q.length, heads * v.depth], rounding: result.rows),
      Tensor(query.element, k.shape, rounding: k.values), Tensor(query.element, v.shape, rounding: v.values),
    ]
    return outputs.prefix(max(1, context.outputCount)).map { .tensor($0) }
  }

  private func operands(_ inputs: [Datum?]) throws(OperatorError) -> (q: HeadTensor, k: HeadTensor, v: HeadTensor) {
    let q = try inputs.tensor(0)
    if q.rank == 5 { return (try interleaved(q, 0), try interleaved(q, 1), try interleaved(q, 2)) }
    let k = try inputs.tensor(1)
    let queries = try beside(q)
    if k.rank == 5 { return (queries, try interleaved(k, 0), try interleaved(k, 1)) }
    let v = try inputs.tensor(2)
    return k.rank == 4 ? (queries, try HeadTensor(k), try HeadTensor(v)) : (queries, try beside(k), try beside(v))
  }

  /// [b, s, h·d]
  private func beside(_ x: Tensor) throws(OperatorError) -> HeadTensor {
    guard x.rank == 3, heads > 0, x.shape[2] % heads == 0 else {
      throw OperatorError("heads-divide", "\(x.shape) does not divide into \(heads) heads")
    }
    return HeadTensor(
      rows: try x.doubles(), batch: x.shape[0], length: x.shape[1], width: x.shape[2], heads: heads, depth: x.shape[2] / heads)
  }

  /// Part `index` of [b, s, h, parts, d].
  private func interleaved(_ x: Tensor, _ index: Int) throws(OperatorError) -> HeadTensor {
    guard x.shape[2] == heads, index < x.shape[3] else { throw OperatorError("heads-divide", "\(x.shape) does not hold \(heads) heads") }
    let (parts, depth) = (x.shape[3], x.shape[4])
    let whole = HeadTensor(
      rows: try x.doubles(), batch: x.shape[0], length: x.shape[1], width: heads * parts * depth, heads: heads, depth: parts * depth)
    var values: [Double] = []
    for line in 0..<(whole.batch * heads * whole.length) {
      let start = (line * parts + index) * depth
      values += whole.values[start..<(start + depth)]
    }
    return HeadTensor(batch: whole.batch, heads: heads, length: whole.length, depth: depth, values: values)
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "MultiHeadAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> MultiHeadAttention {
    guard let heads = try node.integer("num_heads"), heads > 0, heads < 1 << 30 else {
      throw OperatorError("missing-attribute", "MultiHeadAttention needs a positive 'num_heads'")
    }
    let scale = try node.float("scale")
    return MultiHeadAttention(
      heads: heads, isCausal: try node.integer("unidirectional") ?? 0 != 0, scale: scale == 0 ? nil : scale,
      maskValue: try node.float("mask_filter_value") ?? -10000)
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("num_heads", .integer(heads)), ("unidirectional", .integer(isCausal ? 1 : 0)), ("mask_filter_value", .float(maskValue)),
    ]
    if let scale { attributes.append(("scale", .float(scale))) }
    return ONNXSpelling(ONNXName(domain: "com.microsoft", "MultiHeadAttention"), attributes)
  }
}

extension HeadTensor {
  /// Adds one number per feature, heads side by side.
  fileprivate mutating func add(_ bias: ArraySlice<Double>) {
    for index in values.indices {
      values[index] += bias[bias.startIndex + index / (length * depth) % heads * depth + index % depth]
    }
  }
}
