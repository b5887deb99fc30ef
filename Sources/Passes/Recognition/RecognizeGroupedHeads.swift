internal import IR
internal import Ops

/// Keys and values that are repeated for groups of query heads in front of attention are read where they lie, once per group.
///
/// Before `attention(q, reshape(expand(unsqueeze(k))), reshape(expand(unsqueeze(v))))`, as exporters write for an operator that
/// is attention already; after `attention(q, k, v)` with fewer heads of keys than of queries.
let recognizeGroupedHeads = recognizer(
  "recognize-grouped-heads", "Keys and values repeated for groups of query heads in front of attention are read where they lie.",
  endsAt: [ScaledDotProductAttention()], form: .attention, conditions: Condition.all, obstacle: attentionObstacle
) { match, id throws(NearMiss) in
  guard let (_, op, node) = match.made(match.graph[id].outputs.first, by: ScaledDotProductAttention.self), node.inputs.count >= 3,
    let keys = node.inputs[1], let values = node.inputs[2]
  else { return nil }
  guard let shared = match.groupedHeads(keys, values) else {
    guard let half = match.sharedHeads(keys) ?? match.sharedHeads(values) else { return nil }
    throw NearMiss(Condition.pair, [id] + half.nodes)
  }
  var inputs = node.inputs
  var preparations: [Recognition.Preparation] = []
  for (position, heads) in [(1, shared.keys), (2, shared.values)] {
    inputs[position] = heads.source
    preparations += heads.preparations(input: position)
  }
  return Recognition(
    operation: op, inputs: inputs, result: node.outputs[0], covers: [id] + shared.keys.nodes + shared.values.nodes,
    preparations: preparations)
}

private enum Condition {
  static let pair = "only keys or only values are repeated, or a different number of times"
  static let all = [pair, AttentionCondition.target]
}

/// Heads of keys or values before they were repeated for groups of query heads.
struct SharedHeads {
  var source: ValueID
  /// An axis of extent 1 that the source has besides.
  var extraAxis: Int?
  /// Brings the source to [b, g, t, d], where it is not so already.
  var permutation: [Int]?
  var nodes: [NodeID]

  func preparations(input: Int) -> [Recognition.Preparation] {
    let view = extraAxis.map { Recognition.Preparation.squeeze(input: input, axis: $0) }
    let order = permutation.map { Recognition.Preparation.transpose(input: input, $0) }
    return [view, order].compactMap { $0 }
  }
}

extension GraphMatcher {
  /// Keys and values before both were repeated for groups of query heads; the keys still need a permutation when one is given.
  func groupedHeads(
    _ key: ValueID, permutation: [Int]? = nil, _ value: ValueID
  ) -> (keys: SharedHeads, values: SharedHeads)? {
    guard let keys = sharedHeads(key, permutation), let values = sharedHeads(value), heads(keys) == heads(values) else { return nil }
    return (keys, values)
  }

  /// [b, g, t, d] before it became [b, g·n, t, d] with every head n times in a row, or the same of [b, t, g, d] under a transposition.
  func sharedHeads(_ value: ValueID, _ permutation: [Int]? = nil) -> SharedHeads? {
    if let permutation {
      guard permutation == headsFirst, var shared = repeated(value, axis: 2) else { return nil }
      shared.permutation = permutation
      return shared
    }
    if let shared = repeated(value, axis: 1) { return shared }
    guard let (id, op, node) = made(value, by: Transpose.self), op.permutation == headsFirst, let input = node.inputs[0],
      var shared = repeated(input, axis: 2)
    else { return nil }
    shared.permutation = headsFirst
    shared.nodes.append(id)
    return shared
  }

  private func heads(_ shared: SharedHeads) -> Dimension? { graph.tensorType(shared.source)?.shape[shared.permutation == nil ? 1 : 2] }

  /// reshape(expand(unsqueeze(x))) that repeats every element of an axis, or the expansion of a single one.
  private func repeated(_ value: ValueID, axis: Int) -> SharedHeads? {
    guard let after = graph.tensorType(value)?.shape, after.count == 4 else { return nil }
    if let (expand, _, node) = made(value, by: Expand.self), let source = node.inputs[0], let before = graph.tensorType(source)?.shape,
      before.count == 4, before[axis] == 1, after[axis] != 1, before.without(axis) == after.without(axis)
    {
      return SharedHeads(source: source, nodes: [expand])
    }
    guard let (view, inner) = viewed(value), let (copies, single) = copied(inner, axis: axis + 1),
      let apart = graph.tensorType(single)?.shape, let wide = graph.tensorType(inner)?.shape, wide.count == 5, apart.count == 5,
      apart[axis + 1] == 1, wide.without(axis + 1) == apart.without(axis + 1), after[axis] == wide[axis] * wide[axis + 1],
      after.without(axis) == apart.without(axis + 1).without(axis)
    else { return nil }
    guard let (unsqueeze, source) = viewed(single), graph.tensorType(source)?.shape == apart.without(axis + 1) else {
      return SharedHeads(source: single, extraAxis: axis + 1, nodes: [view, copies])
    }
    return SharedHeads(source: source, nodes: [view, copies, unsqueeze])
  }

  /// Copies along an axis, by an expansion or a concatenation of one tensor with itself.
  private func copied(_ value: ValueID, axis: Int) -> (id: NodeID, source: ValueID)? {
    if let (id, _, node) = made(value, by: Expand.self), let source = node.inputs[0] { return (id, source) }
    guard let (id, op, node) = made(value, by: Concatenate.self), op.axis == axis, let source = node.inputs.first ?? nil,
      node.inputs.allSatisfy({ $0 == source })
    else { return nil }
    return (id, source)
  }

  /// A view that inserts, merges or drops axes.
  private func viewed(_ value: ValueID) -> (id: NodeID, source: ValueID)? {
    guard let id = graph.producer(value) else { return nil }
    switch graph[id].operation {
    case is Reshape, is Unsqueeze, is Squeeze: return graph[id].inputs[0].map { (id, $0) }
    default: return nil
    }
  }
}

private let headsFirst = [0, 2, 1, 3]

extension [Dimension] {
  fileprivate func without(_ axis: Int) -> [Dimension] { Array(self[..<axis] + self[(axis + 1)...]) }
}
