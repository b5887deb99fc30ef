package import IR

/// softmax(scale·Q·Kᵀ + mask)·V for every head; the scaled scores may be capped, c·tanh(s/c), before masks are applied.
///
/// Inputs: q [b, h, s, d], k [b, g, t, d], v [b, g, t, e], optional mask that broadcasts to [b, h, s, t] (added, or
/// booleans that keep), optional sinks that broadcast to [b, h, s, 1]: a score more, of a key whose value is 0. Query head i reads key head i·g/h. Output: [b, h, s, e].
package struct ScaledDotProductAttention: ONNXOperator {
  package static let name = "attention"

  /// Query i sees keys up to i + t − s only.
  package var isCausal: Bool
  /// Keys a query sees at most, counted back from its own position.
  package var window: Int?
  /// Factor on the scores; 1/√d when absent.
  package var scale: Float?

  /// Bound c of capped scores.
  package var cap: Float?

  package init(isCausal: Bool = false, window: Int? = nil, scale: Float? = nil, cap: Float? = nil) {
    self.isCausal = isCausal
    self.window = window
    self.scale = scale
    self.cap = cap
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let q = try context.tensor(0)
    let k = try context.tensor(1)
    let v = try context.tensor(2)
    guard q.rank == 4, k.rank == 4, v.rank == 4 else {
      throw OperatorError("ranks-match", "queries, keys and values must be [batch, heads, length, depth]")
    }
    if let a = q.shape[3].constant, let b = k.shape[3].constant, a != b {
      throw OperatorError("inner-extents", "queries of depth \(a) meet keys of depth \(b)")
    }
    if let heads = q.shape[1].constant, let shared = k.shape[1].constant, shared == 0 || heads % shared != 0 {
      throw OperatorError("heads-divide", "\(heads) query heads cannot share \(shared) key heads")
    }
    if let t = k.shape[2].constant, let u = v.shape[2].constant, t != u {
      throw OperatorError("lengths-match", "\(t) keys but \(u) values")
    }
    if let mask = try context.optionalTensor(3) {
      _ = try Broadcast.shape([mask.shape, [q.shape[0], q.shape[1], q.shape[2], k.shape[2]]])
    }
    if let sinks = try context.optionalTensor(4) {
      _ = try Broadcast.shape([sinks.shape, [q.shape[0], q.shape[1], q.shape[2], 1]])
      guard sinks.shape.last ?? 1 == 1 else { throw OperatorError("sink-shape", "there is one sink per query, not \(sinks.shape.text)") }
    }
    return [.tensor(TensorType(q.element, [q.shape[0], q.shape[1], q.shape[2], v.shape[3]]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let q = try operands.shape(ofInput: 0)
    let k = try operands.shape(ofInput: 1)
    let v = try operands.shape(ofInput: 2)
    return .attention(
      Attention(
        batch: q[0], heads: q[1], keyHeads: k[1], queryLength: q[2], keyLength: k[2], headDimension: q[3],
        valueDimension: v[3], isCausal: isCausal, window: window, isCapped: cap != nil,
        hasMask: operands.inputs.count > 3 && operands.inputs[3] != nil, query: try operands.input(0),
        key: try operands.input(1), value: try operands.input(2), output: try operands.output()))
  }

  /// A key head goes with all query heads that read it. The depth of queries and keys sets the scale unless that is given.
  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let q = operands.shape(.input(0)), let k = operands.shape(.input(1)), let v = operands.shape(.input(2)), k[1] > 0 else {
      return []
    }
    let perKey = q[1] / k[1]
    var heads = [
      AxisMap(.input(0), 1, inner: perKey), AxisMap(.output(0), 1, inner: perKey), AxisMap(.input(1), 1), AxisMap(.input(2), 1),
    ]
    for input in [3, 4] {
      guard let shape = operands.shape(.input(input)), shape.count >= 3, shape[shape.count - 3] > 1 else { continue }
      heads.append(AxisMap(.input(input), shape.count - 3, inner: perKey))
    }
    var ties = [AxisTie(count: k[1], heads), AxisTie(count: v[3], [AxisMap(.input(2), 3), AxisMap(.output(0), 3)])]
    if scale != nil { ties.append(AxisTie(.summed, count: q[3], [AxisMap(.input(0), 3), AxisMap(.input(1), 3)])) }
    return ties
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let q = try inputs.tensor(0)
    let k = try inputs.tensor(1)
    let v = try inputs.tensor(2)
    var rule = AttentionScores(batch: q.shape[0], heads: q.shape[1], keyHeads: k.shape[1], queries: q.shape[2], keys: k.shape[2])
    rule.scale = scale.map(Double.init)
    rule.isCausal = isCausal
    rule.window = window
    rule.cap = Double(cap ?? 0)
    if let mask = try inputs.optionalTensor(3) { try rule.add(mask) }
    if let sinks = try inputs.optionalTensor(4) { try rule.add(sinks: sinks) }
    let y = rule.attend(
      try q.doubles(), try k.doubles(), try v.doubles(), depth: q.shape[3], valueDepth: v.shape[3],
      kernels: q.element == .float32 ? context.kernels : nil)
    return [.tensor(Tensor(q.element, Array(q.shape[..<3]) + [v.shape[3]], rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["Attention"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ScaledDotProductAttention {
    guard !node.has("q_num_heads"), node.outputCount == 1, node.inputs.count <= 4 else {
      throw OperatorError("attention-form", "only the form with separate heads and without cache or score output is supported")
    }
    node.ignore("softmax_precision")
    // Which scores the second output shows; there is none.
    node.ignore("qk_matmul_output_mode")
    let cap = try node.float("softcap") ?? 0
    guard cap >= 0, cap.isFinite else { throw OperatorError("attention-form", "softcap \(cap) is no bound") }
    let isCausal = try node.integer("is_causal") ?? 0 != 0
    var hasMask = false
    if node.inputs.count > 3 { if case .absent = node.inputs[3] {} else { hasMask = true } }
    // Opset 23 as published adds the mask before the cap, a later correction after it: the two give different numbers.
    guard cap == 0 || !(isCausal || hasMask) else {
      throw OperatorError(
        "attention-form", "softcap with a mask or is_causal is read in two orders by published texts; export the scores as plain operators")
    }
    return ScaledDotProductAttention(isCausal: isCausal, scale: try node.float("scale"), cap: cap == 0 ? nil : cap)
  }

  /// The operator of opset 23.
  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [("is_causal", .integer(isCausal ? 1 : 0))]
    if let scale { attributes.append(("scale", .float(scale))) }
    if let cap { attributes.append(("softcap", .float(cap))) }
    return ONNXSpelling("Attention", attributes)
  }
}
