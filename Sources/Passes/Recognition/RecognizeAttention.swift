internal import Basic
internal import IR
internal import Ops

/// softmax(scale·Q·Kᵀ + mask)·V with any number of heads: scaled dot-product attention.
///
/// The scale may stand on the scores, on Q, on Kᵀ or in parts on both; the mask may be added or selected; keys and values
/// repeated for grouped queries are read once. A constant triangular mask becomes `causal`.
let recognizeAttention = recognizer(
  "recognize-attention", "Two products around a softmax become scaled dot-product attention.", relative: 1e-4,
  wants: \.fusesAttention
) { match, id in
  guard match.graph[id].operation is MatrixMultiply, let result = match.graph[id].outputs.first,
    let probabilities = match.graph[id].inputs[0], let values = match.graph[id].inputs[1],
    let (softmax, op, softmaxNode) = match.softmax(probabilities), op.function == .softmax,
    let scores = softmaxNode.inputs[0], let scoreType = match.graph.tensorType(scores), scoreType.rank == 4,
    op.axis == -1 || op.axis == 3
  else { return nil }
  var found = AttentionParts(covers: [id] + softmax)
  guard match.scoreProduct(scores, &found), let query = found.query, let keys = found.keys,
    match.readers.sole(probabilities) != nil
  else { return nil }
  let (q, _) = match.unscaled(query, &found)
  let (kT, _) = match.unscaled(keys, &found)
  guard let key = match.keys(kT, &found), let depth = match.graph.tensorType(q)?.shape.last?.constant else { return nil }
  let (k, v) = match.sharedHeads(key.value, values, &found, isDirect: key.permutation == nil)
  var inputs: [ValueID?] = [q, k, v]
  var isCausal = false
  if let mask = found.mask {
    isCausal = match.isTriangular(mask, isSelection: found.maskIsSelection)
    if !isCausal { inputs.append(mask) }
  }
  let standard = 1 / Double(depth).squareRoot()
  let scale = match.near(found.scale, standard) ? nil : Float(found.scale)
  return Recognition(
    operation: ScaledDotProductAttention(isCausal: isCausal, scale: scale), inputs: inputs, result: result, covers: found.covers,
    transposes: key.permutation.map { [(1, $0)] } ?? [])
}

private struct AttentionParts {
  var covers: [NodeID]
  var scale = 1.0
  var query: ValueID?
  var keys: ValueID?
  var mask: ValueID?
  var maskIsSelection = false
}

extension GraphMatcher {
  /// A softmax, possibly behind an identity that guards against rows without any key.
  fileprivate func softmax(_ value: ValueID) -> (nodes: [NodeID], op: Softmax, node: Node)? {
    if let (id, op, node) = made(value, by: Softmax.self) { return ([id], op, node) }
    // where(isnan(p), 0, p), as exporters write for fully masked rows.
    if let (id, _, node) = made(value, by: Where.self), node.inputs.count == 3, scalar(node.inputs[1]) == 0,
      let (softmaxID, op, softmaxNode) = made(node.inputs[2], by: Softmax.self)
    {
      let guardNode = graph.producer(node.inputs[0]).map { [$0] } ?? []
      return ([id] + guardNode + [softmaxID], op, softmaxNode)
    }
    return nil
  }

  /// Walks from the softmax's input to the product of queries and keys, through masks and scales.
  fileprivate func scoreProduct(_ value: ValueID, _ parts: inout AttentionParts) -> Bool {
    var current = value
    for _ in 0..<4 {
      if let (id, _, node) = made(current, by: MatrixMultiply.self), let q = node.inputs[0], let k = node.inputs[1] {
        parts.covers.append(id)
        (parts.query, parts.keys) = (q, k)
        return true
      }
      if let (id, x, factor) = scaled(current) {
        // A scale outside an added mask would scale the mask too.
        guard parts.mask == nil || current != value || parts.maskIsSelection || parts.covers.count > 2 else { return false }
        parts.covers.append(id)
        parts.scale *= factor
        current = x
        continue
      }
      if parts.mask == nil, parts.scale == 1, let pair = binary(current, .add), let (scores, mask) = scoresAndMask(pair) {
        parts.covers.append(pair.id)
        parts.mask = mask
        current = scores
        continue
      }
      if parts.mask == nil, parts.scale == 1, let (id, _, node) = made(current, by: Where.self), node.inputs.count == 3,
        let hidden = scalar(node.inputs[2]), hidden <= -1e4, let mask = node.inputs[0], let scores = node.inputs[1]
      {
        parts.covers.append(id)
        parts.mask = mask
        parts.maskIsSelection = true
        current = scores
        continue
      }
      return false
    }
    return false
  }

  /// Which summand leads to a product and which is the mask.
  private func scoresAndMask(_ pair: (id: NodeID, a: ValueID, b: ValueID)) -> (scores: ValueID, mask: ValueID)? {
    for (scores, mask) in eitherOrder(pair) {
      let inner = scaled(scores)?.x ?? scores
      if made(inner, by: MatrixMultiply.self) != nil, graph.tensorType(mask) != nil { return (scores, mask) }
    }
    return nil
  }

  /// The value under a multiplication by a number, which goes to the scale.
  fileprivate func unscaled(_ value: ValueID, _ parts: inout AttentionParts) -> (ValueID, Double) {
    guard let (id, x, factor) = scaled(value), readers.sole(value) != nil else { return (value, 1) }
    parts.covers.append(id)
    parts.scale *= factor
    return (x, factor)
  }

  /// Keys before their transposition; a permutation when they must still be brought to [b, h, t, d].
  fileprivate func keys(_ transposed: ValueID, _ parts: inout AttentionParts) -> (value: ValueID, permutation: [Int]?)? {
    guard graph.tensorType(transposed)?.rank == 4 else { return nil }
    guard let (id, op, node) = made(transposed, by: Transpose.self), let x = node.inputs[0], var permutation = op.permutation else {
      return (transposed, [0, 1, 3, 2])
    }
    parts.covers.append(id)
    permutation.swapAt(2, 3)
    let (inner, _) = unscaled(x, &parts)
    return (inner, permutation == [0, 1, 2, 3] ? nil : permutation)
  }

  /// Keys and values before they were repeated for groups of query heads: reshape(expand(unsqueeze(k))).
  fileprivate func sharedHeads(_ key: ValueID, _ value: ValueID, _ parts: inout AttentionParts, isDirect: Bool) -> (ValueID, ValueID) {
    guard isDirect, let k = repeated(key), let v = repeated(value),
      graph.tensorType(k.source)?.shape[1] == graph.tensorType(v.source)?.shape[1]
    else { return (key, value) }
    parts.covers += k.nodes + v.nodes
    return (k.source, v.source)
  }

  private func repeated(_ value: ValueID) -> (source: ValueID, nodes: [NodeID])? {
    guard let (reshape, _, reshaped) = made(value, by: Reshape.self), let (expand, _, expanded) = made(reshaped.inputs[0], by: Expand.self),
      let (unsqueeze, _, unsqueezed) = made(expanded.inputs[0], by: Unsqueeze.self), let source = unsqueezed.inputs[0],
      let before = graph.tensorType(source), before.rank == 4, let wide = graph.tensorType(expanded.outputs[0]), wide.rank == 5,
      wide.shape[0] == before.shape[0], wide.shape[1] == before.shape[1], wide.shape[3] == before.shape[2], wide.shape[4] == before.shape[3]
    else { return nil }
    return (source, [reshape, expand, unsqueeze])
  }

  /// A constant mask that hides exactly the keys after each query.
  fileprivate func isTriangular(_ mask: ValueID, isSelection: Bool) -> Bool {
    guard let constant = graph.constant(mask), let shape = constant.type.constantShape, shape.count >= 2,
      let count = constant.type.elementCount,
      count <= 1 << 22, shape.dropLast(2).allSatisfy({ $0 == 1 }), let numbers = Tensor(constant).flatMap({ try? $0.doubles() })
    else { return false }
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    for row in 0..<rows {
      for column in 0..<columns {
        let isVisible = column <= row + columns - rows
        let number = numbers[row * columns + column]
        if isSelection ? (number != 0) != isVisible : isVisible ? number != 0 : number > -1e4 { return false }
      }
    }
    return true
  }
}
