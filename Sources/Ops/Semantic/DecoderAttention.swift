package import IR

/// Attention of one new token per sequence over a cache, or over given keys (com.microsoft DecoderMaskedMultiHeadAttention).
///
/// Inputs: q [b, 1, h·d] (or [b, 1, 2·h·d + h·e] with keys and values behind), k [b, 1, h·d] (or [b, h, t, d], cross-attention),
/// v likewise, optional mask [b, t] of zeros and ones, optional addend to the scores, cached keys and values [b, h, p, d], tokens
/// in a shared cache, number of beams, their paths, optional bias of queries, keys and values. Outputs: y [b, 1, h·e], optional
/// new caches. In a shared cache [b, h, room, d] keys stand as [b, h, d/x, room, x], where x elements are 16 bytes.
package struct DecoderAttention: ONNXOperator {
  package static let name = "attention-decoder"

  package var heads: Int
  package var scale: Float?
  /// Added to scores of masked keys.
  package var maskValue: Float
  /// Old and new caches are one buffer with room for more tokens than it holds.
  package var sharesCache: Bool

  package init(heads: Int, scale: Float? = nil, maskValue: Float = -10000, sharesCache: Bool = false) {
    self.heads = heads
    self.scale = scale
    self.maskValue = maskValue
    self.sharesCache = sharesCache
  }

  /// Features of all heads of queries and values.
  private func widths(_ inputs: [ValueType?]) throws(OperatorError) -> (key: Dimension, value: Dimension) {
    func shape(_ index: Int) -> [Dimension]? { index < inputs.count ? inputs[index]?.tensor?.shape : nil }
    let h = Dimension.constant(heads)
    guard let q = shape(0), q.count == 3, heads > 0 else { throw OperatorError("ranks-match", "queries must be [b, 1, features]") }
    guard let v = shape(2) else {
      guard let past = shape(5), let values = shape(6), past.count == 4, values.count == 4 else {
        throw OperatorError("attention-form", "queries with keys and values behind need a cache, which tells their widths")
      }
      return (past[3] * h, values[3] * h)
    }
    return (q[2], v.count == 4 ? v[3] * h : v[2])
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let q = try context.tensor(0)
    let widths = try widths(context.inputs)
    let y = ValueType.tensor(TensorType(q.element, [q.shape[0], q.shape[1], widths.value]))
    guard context.outputCount > 1 else { return [y] }
    var caches: [ValueType] = []
    for index in [5, 6] {
      var shape = try context.tensor(index).shape
      guard shape.count == 4 else { throw OperatorError("cache-shape", "a cache must be [b, h, p, d], not \(shape.text)") }
      if !sharesCache { shape[2] = shape[2] + 1 }
      caches.append(.tensor(TensorType(q.element, shape)))
    }
    guard context.outputCount <= 3 else { throw OperatorError("attention-form", "the weights of the keys are not given out") }
    return [y] + caches.prefix(context.outputCount - 1)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let q = try operands.shape(ofInput: 0)
    let widths = try widths(operands.inputs)
    guard let width = widths.key.constant, let values = widths.value.constant else {
      throw OperatorError("unbound-dimension", "the attention still has unbound dimensions")
    }
    func shape(_ index: Int) -> [Dimension]? { index < operands.inputs.count ? operands.inputs[index]?.tensor?.shape : nil }
    // A shared cache whose filling is not known is charged as full.
    let filled = operands.contents.count > 7 ? operands.contents[7]?.first?.constant : nil
    let keys =
      shape(1)?.count == 4
      ? shape(1)?[2].constant
      : sharesCache && filled == nil ? shape(5)?[2].constant : (sharesCache ? filled : shape(5)?[2].constant).map { $0 + 1 }
    guard let keys else { throw OperatorError("unbound-dimension", "the length of the cache is not bound") }
    return .attention(
      try Self.cost(
        batch: q[0], keys: keys, heads: heads, widths: (width, values), try operands.output(), hasMask: shape(3) != nil || shape(4) != nil))
  }

  /// Attention of one token of every sequence over `keys` keys.
  static func cost(
    batch: Int, keys: Int, heads: Int, widths: (key: Int, value: Int), _ output: Operand, hasMask: Bool
  ) throws(OperatorError) -> Attention {
    guard heads > 0, widths.key % heads == 0, widths.value % heads == 0 else {
      throw OperatorError("heads-divide", "\(widths.key) and \(widths.value) features do not divide into \(heads) heads")
    }
    func rows(_ count: Int) -> Operand { Operand(element: output.element, count: batch * count) }
    return Attention(
      batch: batch, heads: heads, keyHeads: heads, queryLength: 1, keyLength: keys, headDimension: widths.key / heads,
      valueDimension: widths.value / heads, isCausal: false, hasMask: hasMask, query: rows(widths.key), key: rows(keys * widths.key),
      value: rows(keys * widths.value), output: output)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let query = try inputs.tensor(0)
    let widths = try widths(inputs.map { $0?.tensor.map { .tensor($0.type) } })
    guard let width = widths.key.constant, let values = widths.value.constant, width % heads == 0, values % heads == 0 else {
      throw OperatorError("heads-divide", "\(query.shape) does not divide into \(heads) heads")
    }
    try Self.checkBeams(inputs, 8)
    let bias = try inputs.optionalTensor(10)?.doubles()
    func rows(_ tensor: Tensor, _ width: Int, start: Int = 0, bias first: Int) throws(OperatorError) -> HeadTensor {
      guard tensor.rank == 3, tensor.shape[1] == 1, tensor.shape[2] >= start + width else {
        throw OperatorError("attention-form", "\(tensor.shape) is not one token per sequence")
      }
      var numbers = try tensor.doubles()
      if let bias {
        guard bias.count == 2 * width + values else { throw OperatorError("bias-broadcast", "the bias has \(bias.count) elements") }
        for row in 0..<tensor.shape[0] { for index in 0..<width { numbers[row * tensor.shape[2] + start + index] += bias[first + index] } }
      }
      return HeadTensor(
        rows: numbers, batch: tensor.shape[0], length: 1, width: tensor.shape[2], start: start, heads: heads, depth: width / heads)
    }
    let q = try rows(query, width, bias: 0)
    var step = DecoderStep(attention: self, element: query.element, q: q)
    step.mask = try inputs.optionalTensor(3)
    step.addend = try inputs.optionalTensor(4)
    if let keys = try inputs.optionalTensor(1), keys.rank == 4 {
      return Array(try step.attend(try HeadTensor(keys), try HeadTensor(try inputs.tensor(2))).prefix(1))
    }
    let isPacked = try inputs.optionalTensor(1) == nil
    let k = try rows(isPacked ? query : try inputs.tensor(1), width, start: isPacked ? width : 0, bias: width)
    let v = try rows(isPacked ? query : try inputs.tensor(2), values, start: isPacked ? 2 * width : 0, bias: 2 * width)
    step.filled = try inputs.optionalIntegers(7)?.first
    let outputs = try step.attend(k, v, past: try inputs.optionalTensor(5), try inputs.optionalTensor(6))
    return Array(outputs.prefix(max(1, context.outputCount)))
  }

  /// Beams read one another's caches along paths; only one beam is evaluated.
  static func checkBeams(_ inputs: [Datum?], _ index: Int) throws(OperatorError) {
    guard try inputs.optionalIntegers(index)?.first ?? 1 == 1 else {
      throw OperatorError("attention-form", "several beams that share a cache are not evaluated")
    }
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "DecoderMaskedMultiHeadAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> DecoderAttention {
    guard try node.integer("output_qk") ?? 0 == 0 else {
      throw OperatorError("attention-form", "the weights of the keys are not given out")
    }
    let (heads, scale) = try node.headsAndScale()
    return DecoderAttention(
      heads: heads, scale: scale, maskValue: try node.float("mask_filter_value") ?? -10000,
      sharesCache: try node.integer("past_present_share_buffer") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", "DecoderMaskedMultiHeadAttention"), onnxAttributes)
  }

  var onnxAttributes: [(name: String, value: ONNXAttribute)] {
    [
      ("mask_filter_value", .float(maskValue)), ("num_heads", .integer(heads)),
      ("past_present_share_buffer", .integer(sharesCache ? 1 : 0)),
    ] + (scale.map { [("scale", .float($0))] } ?? [])
  }
}

/// One token's attention with what hides keys, and what becomes of the caches.
struct DecoderStep {
  let attention: DecoderAttention
  let element: ElementType
  let q: HeadTensor
  var mask: Tensor?
  var addend: Tensor?
  /// Tokens in a shared cache.
  var filled: Int?

  /// y [b, 1, h·e], then the keys and values it was made from.
  func attend(_ k: HeadTensor, _ v: HeadTensor) throws(OperatorError) -> [Datum] {
    guard k.length == v.length, k.depth == q.depth, k.batch == q.batch, v.batch == q.batch else {
      throw OperatorError("lengths-match", "keys \(k.shape) and values \(v.shape) do not fit queries \(q.shape)")
    }
    var rule = AttentionScores(batch: q.batch, heads: q.heads, keyHeads: q.heads, queries: 1, keys: k.length)
    rule.scale = attention.scale.map(Double.init)
    if let mask { try rule.add(padding: mask, value: Double(attention.maskValue)) }
    if let addend { try rule.add(addend) }
    let y = rule.attend(q.values, k.values, v.values, depth: q.depth, valueDepth: v.depth)
    let rows = HeadTensor(batch: q.batch, heads: q.heads, length: 1, depth: v.depth, values: y).rows
    return [Tensor(element, [q.batch, 1, q.heads * v.depth], rounding: rows), tensor(k), tensor(v)].map { .tensor($0) }
  }

  /// The same with the new keys and values behind those of the caches; the new caches follow the result.
  func attend(_ k: HeadTensor, _ v: HeadTensor, past keys: Tensor?, _ values: Tensor?) throws(OperatorError) -> [Datum] {
    guard let keys, let values else { return try attend(k, v) }
    guard attention.sharesCache else { return try attend(try HeadTensor(keys).appending(k), try HeadTensor(values).appending(v)) }
    guard let filled, filled >= 0, keys.rank == 4, keys.shape[2] == values.shape[2], filled < keys.shape[2] else {
      throw OperatorError("cache-shape", "a shared cache \(keys.shape) needs the number of its tokens and room for one more")
    }
    let chunk = max(1, 128 / element.bits)
    guard keys.shape[3] % chunk == 0 else { throw OperatorError("cache-shape", "\(keys.shape[3]) features are no chunks of \(chunk)") }
    var (oldKeys, oldValues) = (try HeadTensor(keys).withChunks(of: chunk, room: .split), try HeadTensor(values))
    oldKeys.store(k, at: filled)
    oldValues.store(v, at: filled)
    let y = try attend(oldKeys.first(filled + 1), oldValues.first(filled + 1))[0]
    return [y, .tensor(tensor(try oldKeys.withChunks(of: chunk, room: .joined))), .tensor(tensor(oldValues))]
  }

  private func tensor(_ heads: HeadTensor) -> Tensor { Tensor(element, heads.shape, rounding: heads.values) }
}

extension HeadTensor {
  fileprivate enum ChunkOrder { case split, joined }

  /// Steps of features from chunks of all steps ([d/x, s, x] as [s, d]), or back.
  fileprivate func withChunks(of chunk: Int, room order: ChunkOrder) throws(OperatorError) -> HeadTensor {
    var result = self
    for line in 0..<(batch * heads) {
      for step in 0..<length {
        for index in 0..<depth {
          let plain = (line * length + step) * depth + index
          let chunked = line * length * depth + (index / chunk * length + step) * chunk + index % chunk
          if order == .split { result.values[plain] = values[chunked] } else { result.values[chunked] = values[plain] }
        }
      }
    }
    return result
  }

  /// Puts one step in place.
  fileprivate mutating func store(_ other: HeadTensor, at step: Int) {
    guard other.values.count == batch * heads * depth else { return }
    for line in 0..<(batch * heads) {
      for index in 0..<depth { values[(line * length + step) * depth + index] = other.values[line * depth + index] }
    }
  }

  fileprivate func first(_ count: Int) -> HeadTensor {
    HeadTensor(
      batch: batch, heads: heads, length: count, depth: depth,
      values: (0..<(batch * heads)).flatMap { values[($0 * length * depth)..<(($0 * length + count) * depth)] })
  }
}
