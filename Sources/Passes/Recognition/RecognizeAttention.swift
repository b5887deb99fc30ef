internal import Basic
internal import IR
internal import Ops

/// softmax(scale·Q·Kᵀ + mask)·V with any number of heads: scaled dot-product attention.
///
/// The scale may stand on the scores, on Q, on Kᵀ or in parts on both; masks may be added or selected, also behind a guard
/// against rows without any key; keys and values repeated for grouped queries are read once. A constant triangular mask
/// becomes `causal`, also where it is joined with the mask of padding. Three axes [b·h, s, d] are one image of b·h heads; scores of
/// [b·h, s, t] that are seen as [b, h, s, t] for their masks belong to b images; those
/// of [b, g, h, s, t] to b·g parts of images.
let recognizeAttention = recognizer(
  "recognize-attention", "softmax(scale·Q·Kᵀ + mask)·V becomes scaled dot-product attention.", endsAt: [MatrixMultiply()], relative: 1e-4,
  form: .attention,
  conditions: AttentionCondition.all, obstacle: attentionObstacle
) { match, id throws(NearMiss) in try attention(match, id)?.recognition }

/// Attention that a framework computes by one call, as `scaled_dot_product_attention` of PyTorch: both of its exporters spell such
/// a call with the scale in equal parts on queries and keys, which no model written in single operations does.
let recognizeAttentionCall = recognizer(
  "recognize-attention-call", "softmax(√s·Q·√s·Kᵀ + mask)·V, as exporters spell one call, becomes scaled dot-product attention.",
  endsAt: [MatrixMultiply()], relative: 1e-4, form: .attention, conditions: [AttentionCondition.target], obstacle: attentionObstacle
) { match, id throws(NearMiss) in
  // What is no call is what it is: the operations a framework carries out, and no near miss.
  guard let (recognition, parts) = try? attention(match, id), parts.queryScale != 1, match.near(parts.queryScale, parts.keyScale) else {
    return nil
  }
  return recognition
}

/// Attention that ends at a node, with what it was found to be made of.
private func attention(_ match: GraphMatcher, _ id: NodeID) throws(NearMiss) -> (recognition: Recognition, parts: AttentionParts)? {
  guard match.graph[id].operation is MatrixMultiply, let result = match.graph[id].outputs.first else { return nil }
  guard let weights = match.attentionWeights(match.graph[id]) else {
    if let nodes = match.changedWeights(match.graph[id]) { throw NearMiss(AttentionCondition.changed, [id] + nodes) }
    return nil
  }
  guard let scores = match.graph.tensorType(weights.scores), (3...5).contains(scores.rank) else { return nil }
  let (rank, values) = (scores.rank, weights.values)
  var found = AttentionParts(scores: scores.shape, covers: [id] + weights.nodes)
  if rank == 4, match.graph.tensorType(weights.probabilities)?.rank == 3 {
    found.heads = scores.constantShape.map { Array($0[..<2]) }
  }
  guard weights.axis == -1 || weights.axis == rank - 1 else {
    throw NearMiss(AttentionCondition.axis, found: "axis \(weights.axis)", found.covers)
  }
  var start = weights.scores
  if rank == 3, let apart = match.headsApart(weights.scores) {
    found = AttentionParts(scores: apart.shape, covers: found.covers + [apart.view])
    found.heads = apart.shape[..<2].compactMap(\.constant)
    start = apart.scores
  }
  try match.scoreProduct(start, &found)
  guard let query = found.query, let keys = found.keys else { throw NearMiss(AttentionCondition.product, found.covers) }
  guard match.readers.sole(weights.probabilities) != nil else { throw NearMiss(AttentionCondition.shared, found.covers) }
  let isPlain = found.heads == nil && found.rank < 5
  guard isPlain || !weights.isTurned else { throw NearMiss(AttentionCondition.turned, found.covers) }
  guard isPlain && found.rank == 4 || weights.sinks == nil else { throw NearMiss(AttentionCondition.sinks, found.covers) }
  let (q, queryScale) = match.unscaledQuery(query, &found, underTransposition: isPlain)
  let (kT, keyScale) = match.unscaled(keys, &found)
  (found.queryScale, found.keyScale) = (queryScale, keyScale)
  guard let key = match.keys(kT, &found) else { throw NearMiss(AttentionCondition.product, found.covers) }
  guard let depth = match.graph.tensorType(query)?.shape.last?.constant else { throw NearMiss(AttentionCondition.depth, found.covers) }
  var keyHeads = SharedHeads(source: key.value, permutation: key.permutation, nodes: [])
  var valueHeads = SharedHeads(source: values, permutation: weights.isTurned ? match.exchanged(rank) : nil, nodes: [])
  if found.rank == 4, found.heads == nil, !weights.isTurned,
    let shared = match.groupedHeads(key.value, permutation: key.permutation, values)
  {
    (keyHeads, valueHeads) = shared
    found.covers += shared.keys.nodes + shared.values.nodes
  }
  guard match.graph.tensorType(values)?.rank == found.rank || found.heads != nil else {
    throw NearMiss(AttentionCondition.product, found.covers)
  }
  var recognition = try match.attention(found, q, keyHeads, valueHeads, depth: depth, result: result)
  if let sinks = weights.sinks {
    if recognition.inputs.count == 3 { recognition.inputs.append(nil) }
    recognition.inputs.append(sinks)
  }
  if weights.isTurned { recognition.permutation = match.exchanged(rank) }
  return (recognition, found)
}

extension GraphMatcher {
  /// Puts the operator together: masks, causality, scale, and what operands need first.
  fileprivate func attention(
    _ found: AttentionParts, _ query: SharedHeads, _ keys: SharedHeads, _ values: SharedHeads, depth: Int, result: ValueID
  ) throws(NearMiss) -> Recognition {
    var inputs: [ValueID?] = [query.source, keys.source, values.source]
    var preparations = query.preparations(input: 0) + keys.preparations(input: 1) + values.preparations(input: 2)
    var hiding = found.masks.filter { !$0.isTriangular }
    if found.rank == 5 { for index in hiding.indices { hiding[index].view = try flatMask(hiding[index].value, found) } }
    let isCausal = hiding.count < found.masks.count
    guard hiding.allSatisfy({ ($0.kind == .addend) == (hiding[0].kind == .addend) }) else {
      throw NearMiss(AttentionCondition.masks, found.covers)
    }
    guard hiding.dropFirst().allSatisfy({ $0.windows == nil }) else { throw NearMiss(AttentionCondition.windows, found.covers) }
    inputs += hiding.prefix(1).map(\.value)
    let views = try self.views(found, (query.source, keys.source, values.source), keys.permutation, result: result)
    preparations += views.operands
    preparations += self.preparations(of: hiding)
    if let factor = found.factor { preparations.append(.combine(input: 0, factor, .mul)) }
    if found.rank == 3 { preparations += (0..<3).map { .unsqueeze(input: $0, axis: 0) } }
    let factor = found.scale * (found.cap ?? 1)
    let scale = near(factor, 1 / Double(depth).squareRoot()) ? nil : Float(factor)
    var recognition = Recognition(
      operation: ScaledDotProductAttention(isCausal: isCausal, scale: scale, cap: found.cap.map { Float($0) }), inputs: inputs,
      result: result, covers: found.covers,
      preparations: preparations, squeezedAxis: found.rank == 3 ? 0 : nil)
    recognition.viewedShape = views.result?.map(Dimension.constant)
    return recognition
  }

  /// Walks from the softmax's input to the product of queries and keys, through masks and scales.
  fileprivate func scoreProduct(_ value: ValueID, _ parts: inout AttentionParts) throws(NearMiss) {
    var current = value
    for _ in 0..<6 {
      if let (id, _, node) = made(current, by: MatrixMultiply.self), let q = node.inputs[0], let k = node.inputs[1] {
        parts.covers.append(id)
        (parts.query, parts.keys) = (q, k)
        return
      }
      if parts.cap == nil, parts.scale == 1, let (id, bounded, factor) = scaled(current), factor > 0,
        let (tanh, shares) = unary(bounded, .tanh)
      {
        parts.covers += [id, tanh]
        parts.cap = factor
        current = shares
      } else if let (id, x, factor) = scaled(current) {
        // A scale outside an added mask would scale the mask too; a mask further out was taken off already.
        parts.covers.append(id)
        parts.scale *= factor
        current = x
      } else if parts.factor == nil, parts.cap == nil, parts.heads == nil, parts.rank == 4, let found = factorOfHeads(current) {
        parts.covers.append(found.node)
        parts.factor = found.factor
        current = found.scores
      } else if parts.cap != nil, made(current, by: MatrixMultiply.self) == nil, made(current, by: Cast.self) == nil {
        throw NearMiss(AttentionCondition.capped, parts.covers)
      } else if !parts.isScaled, let pair = binary(current, .add), let (scores, mask) = scoresAndMask(pair) {
        parts.covers.append(pair.id)
        parts.masks += addedMasks(mask, &parts)
        current = scores
      } else if !parts.isScaled, let (id, _, node) = made(current, by: Where.self), node.inputs.count == 3, let mask = node.inputs[0],
        let position = [1, 2].first(where: { scalar(node.inputs[$0]).map { $0 <= -1e4 } ?? false }), let scores = node.inputs[3 - position]
      {
        parts.covers.append(id)
        parts.masks += position == 2 ? conjuncts(mask, &parts) : [hidingMask(mask, parts)]
        current = scores
      } else if !parts.isJoined, !parts.isScaled, let (id, _, node) = made(current, by: Reshape.self), let scores = node.inputs[0],
        joinsHeads(current, scores), let wide = graph.tensorType(current)?.constantShape
      {
        parts.covers.append(id)
        parts.heads = Array(wide[..<2])
        parts.isJoined = true
        current = scores
      } else if let (_, inner) = unary(current, .tanh), leadsToProduct(inner) {
        throw NearMiss(AttentionCondition.capped, parts.covers)
      } else if !parts.isScaled, let window = windowMask(current) {
        guard let mask = window.mask else { throw NearMiss(AttentionCondition.windows, parts.covers + window.nodes) }
        parts.covers += window.nodes
        parts.masks.append(mask)
        current = window.scores
      } else if let (id, _, node) = made(current, by: Cast.self), let source = node.inputs[0],
        graph.tensorType(source)?.element.isFloat == true
      {
        parts.covers.append(id)
        current = source
      } else {
        let operation = graph.producer(current).map { Swift.type(of: graph[$0].operation).name } ?? "an input"
        throw NearMiss(AttentionCondition.product, found: operation, parts.covers)
      }
    }
  }

  /// Scores times one number per head, as cosine attention has it: the factor can stand on the queries.
  private func factorOfHeads(_ value: ValueID) -> (node: NodeID, scores: ValueID, factor: ValueID)? {
    guard let pair = binary(value, .mul) else { return nil }
    for (scores, factor) in eitherOrder(pair) where made(scores, by: MatrixMultiply.self) != nil {
      guard let shape = graph.tensorType(factor)?.shape, (2...4).contains(shape.count), shape.suffix(2).allSatisfy({ $0 == 1 }) else {
        continue
      }
      return (pair.id, scores, factor)
    }
    return nil
  }

  /// Which summand leads to a product and which is the mask.
  private func scoresAndMask(_ pair: (id: NodeID, a: ValueID, b: ValueID)) -> (scores: ValueID, mask: ValueID)? {
    for (scores, mask) in eitherOrder(pair) where leadsToProduct(scores) && graph.tensorType(mask) != nil { return (scores, mask) }
    return nil
  }

  /// A product under scales and further masks.
  private func leadsToProduct(_ value: ValueID) -> Bool {
    var current = value
    for _ in 0..<6 {
      if made(current, by: MatrixMultiply.self) != nil { return true }
      if let (_, x, _) = scaled(current) {
        current = x
      } else if let found = factorOfHeads(current) {
        current = found.scores
      } else if let pair = binary(current, .add) {
        current = made(pair.a, by: MatrixMultiply.self) != nil || scaled(pair.a) != nil ? pair.a : pair.b
      } else if let (_, _, node) = made(current, by: Reshape.self), let scores = node.inputs[0], joinsHeads(current, scores) {
        current = scores
      } else if let (_, capped) = unary(current, .tanh) {
        current = capped
      } else if let (_, _, node) = made(current, by: Where.self), node.inputs.count == 3,
        let position = [1, 2].first(where: { scalar(node.inputs[$0]) != nil }), let scores = node.inputs[3 - position]
      {
        current = scores
      } else {
        return false
      }
    }
    return false
  }

  /// Queries without their scale, which may stand under a transposition.
  fileprivate func unscaledQuery(
    _ value: ValueID, _ parts: inout AttentionParts, underTransposition: Bool
  ) -> (query: SharedHeads, scale: Double) {
    let (x, scale) = unscaled(value, &parts)
    guard underTransposition, scale == 1, let (id, op, node) = made(x, by: Transpose.self), let inner = node.inputs[0],
      let permutation = op.permutation, scaled(inner) != nil
    else { return (SharedHeads(source: x, nodes: []), scale) }
    parts.covers.append(id)
    let (source, factor) = unscaled(inner, &parts)
    return (SharedHeads(source: source, permutation: permutation, nodes: []), factor)
  }

  /// The value under a multiplication by a number, which goes to the scale.
  fileprivate func unscaled(_ value: ValueID, _ parts: inout AttentionParts) -> (ValueID, Double) {
    guard let (id, x, factor) = scaled(value) else { return (value, 1) }
    parts.covers.append(id)
    parts.scale *= factor
    return (x, factor)
  }

  /// Keys before their transposition; a permutation when they must still be brought to [b, h, t, d].
  fileprivate func keys(_ transposed: ValueID, _ parts: inout AttentionParts) -> (value: ValueID, permutation: [Int]?)? {
    guard let rank = graph.tensorType(transposed)?.rank, rank == (parts.isJoined ? 3 : parts.rank) else { return nil }
    let identity = Array(0..<rank)
    var swapped = identity
    swapped.swapAt(rank - 2, rank - 1)
    guard let (id, op, node) = made(transposed, by: Transpose.self), let x = node.inputs[0], var permutation = op.permutation else {
      return (transposed, swapped)
    }
    parts.covers.append(id)
    permutation.swapAt(rank - 2, rank - 1)
    let (inner, factor) = unscaled(x, &parts)
    parts.keyScale *= factor
    return (inner, permutation == identity ? nil : permutation)
  }
}
