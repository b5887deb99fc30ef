package import IR

/// Causal attention whose key heads serve groups of query heads, with a cache and optional rotation.
///
/// Inputs: q [b, s, h·d] (or queries, keys and values side by side), k [b, s, g·d], v [b, s, g·d], optional caches
/// [b, g, p, d], int32 index of the last key of each image [b], total length (a scalar), optional cosines and sines
/// [positions, r/2]. Outputs: y [b, s, h·d], new caches [b, g, t, d].
package struct GroupQueryAttention: ONNXOperator {
  package static let name = "attention-grouped"

  package var heads: Int
  package var keyHeads: Int
  package var scale: Float?
  /// Keys a query sees at most.
  package var window: Int?
  package var rotates: Bool
  package var rotatesInterleaved: Bool
  /// Scores are capped at ±cap; 0 for no cap.
  package var cap: Float

  package init(
    heads: Int, keyHeads: Int, scale: Float? = nil, window: Int? = nil, rotates: Bool = false, rotatesInterleaved: Bool = false,
    cap: Float = 0
  ) {
    self.heads = heads
    self.keyHeads = keyHeads
    self.scale = scale
    self.window = window
    self.rotates = rotates
    self.rotatesInterleaved = rotatesInterleaved
    self.cap = cap
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let q = try context.tensor(0)
    guard q.rank == 3, heads > 0, keyHeads > 0, heads % keyHeads == 0 else {
      throw OperatorError("heads-divide", "\(heads) query heads cannot share \(keyHeads) key heads")
    }
    let depth = q.shape[2].floorDivided(by: .constant(context.hasInput(1) ? heads : heads + 2 * keyHeads))
    let y = ValueType.tensor(TensorType(q.element, [q.shape[0], q.shape[1], depth * .constant(heads)]))
    let past = try context.optionalTensor(3)?.shape[2]
    let total = context.known(6)?.first
    let length: Dimension =
      if let past, let total { .maximum(past, total) } else { total ?? (past == 0 ? q.shape[1] : context.freshDimension("total")) }
    let cache = ValueType.tensor(TensorType(q.element, [q.shape[0], .constant(keyHeads), length, depth]))
    return Array([y, cache, cache].prefix(max(1, context.outputCount)))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let q = try operands.shape(ofInput: 0)
    let isPacked = operands.inputs.count < 2 || operands.inputs[1] == nil
    let depth = q[2] / (isPacked ? heads + 2 * keyHeads : heads)
    let total = operands.outputs.count > 1 ? try operands.shape(ofOutput: 1)[2] : q[1]
    let output = try operands.output()
    let hasCache = operands.inputs.count > 3 && operands.inputs[3] != nil
    // Keys and values are read as the cache stores them.
    let cache = Operand(
      element: output.element, encoding: hasCache ? try operands.input(3).encoding : .dense, count: q[0] * keyHeads * total * depth)
    return .attention(
      Attention(
        batch: q[0], heads: heads, keyHeads: keyHeads, queryLength: q[1], keyLength: total, headDimension: depth,
        valueDimension: depth, isCausal: true, window: window, isCapped: cap > 0,
        query: Operand(element: output.element, count: q[0] * q[1] * heads * depth), key: cache, value: cache, output: output))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let query = try inputs.tensor(0)
    var (q, k, v) = try operands(inputs)
    guard let total = try inputs.optionalIntegers(6)?.first, let last = try inputs.optionalIntegers(5), last.count >= q.batch else {
      throw OperatorError("missing-input", "the lengths of the keys are missing")
    }
    // Where the new keys of every image begin.
    let starts = (0..<q.batch).map { q.length == total ? 0 : last[$0] &+ 1 &- q.length }
    guard starts.allSatisfy({ $0 >= 0 && $0 <= max(total, q.length) - q.length }) else {
      throw OperatorError("lengths-match", "the key lengths do not fit a total of \(total)")
    }
    if rotates {
      let (cosines, sines) = (try inputs.tensor(7), try inputs.tensor(8))
      try q.rotate(cosines, sines, starts: starts, isInterleaved: rotatesInterleaved)
      try k.rotate(cosines, sines, starts: starts, isInterleaved: rotatesInterleaved)
    }
    let (pastKeys, pastValues) = (try inputs.optionalTensor(3), try inputs.optionalTensor(4))
    let length = max(total, pastKeys?.shape[2] ?? 0)
    _ = try [q.batch, keyHeads, length, q.depth].evaluableCount()
    k = try k.placed(in: pastKeys, length: length, starts: starts)
    v = try v.placed(in: pastValues, length: length, starts: starts)
    var rule = AttentionScores(batch: q.batch, heads: heads, keyHeads: keyHeads, queries: q.length, keys: length)
    rule.scale = scale.map(Double.init)
    rule.isCausal = true
    rule.window = window
    rule.cap = Double(cap)
    rule.offsets = starts
    if let addend = try inputs.optionalTensor(10) { try rule.add(addend) }
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
    let query = try inputs.tensor(0)
    let keys = try inputs.optionalTensor(1)
    let total = keys == nil ? heads + 2 * keyHeads : heads
    guard query.rank == 3, query.shape[2] % total == 0 else {
      throw OperatorError("heads-divide", "\(query.shape) does not divide into \(total) heads")
    }
    let depth = query.shape[2] / total
    func part(_ x: Tensor, _ start: Int, _ count: Int) throws(OperatorError) -> HeadTensor {
      guard x.rank == 3, x.shape[2] >= (start + count) * depth else {
        throw OperatorError("heads-divide", "\(x.shape) holds too few heads")
      }
      return HeadTensor(
        rows: try x.doubles(), batch: x.shape[0], length: x.shape[1], width: x.shape[2], start: start * depth, heads: count, depth: depth)
    }
    let q = try part(query, 0, heads)
    guard let keys else { return (q, try part(query, heads, keyHeads), try part(query, heads + keyHeads, keyHeads)) }
    return (q, try part(keys, 0, keyHeads), try part(try inputs.tensor(2), 0, keyHeads))
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "GroupQueryAttention")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> GroupQueryAttention {
    guard let heads = try node.integer("num_heads"), let keyHeads = try node.integer("kv_num_heads"), heads < 1 << 30, keyHeads < 1 << 30
    else {
      throw OperatorError("missing-attribute", "GroupQueryAttention needs 'num_heads' and 'kv_num_heads'")
    }
    guard try node.integer("smooth_softmax") ?? 0 <= 0 else {
      throw OperatorError("attention-form", "a softmax with an extra element is not supported")
    }
    for attribute in ["k_quant_type", "v_quant_type", "kv_cache_bit_width", "qk_output"] { node.ignore(attribute) }
    let window = try node.integer("local_window_size") ?? -1
    let scale = try node.float("scale")
    return GroupQueryAttention(
      heads: heads, keyHeads: keyHeads, scale: scale == 0 ? nil : scale, window: window > 0 ? window : nil,
      rotates: try node.integer("do_rotary") ?? 0 != 0, rotatesInterleaved: try node.integer("rotary_interleaved") ?? 0 != 0,
      cap: try node.float("softcap") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("num_heads", .integer(heads)), ("kv_num_heads", .integer(keyHeads)), ("local_window_size", .integer(window ?? -1)),
      ("do_rotary", .integer(rotates ? 1 : 0)), ("rotary_interleaved", .integer(rotatesInterleaved ? 1 : 0)), ("softcap", .float(cap)),
    ]
    if let scale { attributes.append(("scale", .float(scale))) }
    return ONNXSpelling(ONNXName(domain: "com.microsoft", "GroupQueryAttention"), attributes)
  }
}

extension HeadTensor {
  /// Rotates pairs of features by the angle of their position (see `RotaryEmbedding`).
  fileprivate mutating func rotate(_ cosines: Tensor, _ sines: Tensor, starts: [Int], isInterleaved: Bool) throws(OperatorError) {
    var positions: [Int64] = []
    for start in starts { for step in 0..<length { positions.append(Int64(start + step)) } }
    let rotated = try RotaryEmbedding(isInterleaved: isInterleaved).evaluate(
      [
        .tensor(Tensor(.float64, shape, .float64(values))), .tensor(Tensor([batch, length], integers: positions)), .tensor(cosines),
        .tensor(sines),
      ], EvaluationContext())
    values = try rotated.map { $0 }.tensor(0).doubles()
  }

  /// A cache of `length` steps that holds the past and, from each image's start on, these steps.
  fileprivate func placed(in past: Tensor?, length total: Int, starts: [Int]) throws(OperatorError) -> HeadTensor {
    var cache = HeadTensor(
      batch: batch, heads: heads, length: total, depth: depth, values: [Double](repeating: 0, count: batch * heads * total * depth))
    let old = try past.map { past throws(OperatorError) in try HeadTensor(past) }
    for line in 0..<(batch * heads) {
      if let old {
        // Steps of the past that this image has not reached hold nothing yet.
        let kept = min(old.length, total, starts[line / heads]) * depth
        for index in 0..<kept { cache.values[line * total * depth + index] = old.values[line * old.length * depth + index] }
      }
      let first = (line * total + starts[line / heads]) * depth
      for index in 0..<(length * depth) { cache.values[first + index] = values[line * length * depth + index] }
    }
    return cache
  }
}
