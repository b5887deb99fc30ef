internal import Basic
internal import IR
internal import Ops

/// x·cos + rotate(x)·sin with rotate(x) = [−x₂, x₁] of the halves of each head: rotary position embedding.
///
/// The operator takes half of each table: both halves of cos and sin must be provably equal.
let recognizeRotaryEmbedding = recognizer(
  "recognize-rotary-embedding", "x·cos + [−x₂, x₁]·sin becomes a rotary position embedding.", endsAt: [BinaryElementwise(.add)],
  form: .rotaryEmbedding,
  conditions: Condition.all
) { match, id throws(NearMiss) in
  guard let found = match.rotation(match.graph[id].outputs[0]) else {
    if let nodes = match.turnedNeighbours(match.graph[id].outputs[0]) { throw NearMiss(Condition.neighbours, nodes) }
    return nil
  }
  guard let type = match.graph.tensorType(found.x), type.rank == 4, let depth = type.shape[3].constant, depth % 2 == 0,
    depth / 2 == found.half
  else { throw NearMiss(Condition.halves, found.covers) }
  guard match.hasEqualHalves(found.cosine), match.hasEqualHalves(found.sine) else {
    throw NearMiss(Condition.tables, found.covers)
  }
  var preparations: [Recognition.Preparation] = []
  for (position, table) in [(2, found.cosine), (3, found.sine)] {
    guard let axes = match.tableAxes(table, for: type) else {
      throw NearMiss(Condition.layout, found: match.graph.tensorType(table).map { "\($0)" } ?? "unranked", found.covers)
    }
    preparations += axes.map { .squeeze(input: position, axis: $0) } + [.leading(input: position, count: found.half)]
  }
  return Recognition(
    operation: RotaryEmbedding(), inputs: [found.x, nil, found.cosine, found.sine], result: match.graph[id].outputs[0],
    covers: found.covers, preparations: preparations)
}

private enum Condition {
  static let halves = "the rotated tensor is not [batch, heads, length, depth] cut in the middle of its depth"
  static let tables = "the two halves of the cosines and sines are not known to be equal"
  static let layout = "cosines and sines do not stand as [batch, 1, length, depth]"
  static let neighbours = "neighbouring elements are rotated, not the halves of a head"
  static let all = [halves, tables, layout, neighbours]
}

private struct Rotation {
  var x: ValueID
  var cosine: ValueID
  var sine: ValueID
  var half: Int
  var covers: [NodeID]
}

extension GraphMatcher {
  fileprivate func rotation(_ value: ValueID) -> Rotation? {
    guard let sum = binary(value, .add) else { return nil }
    for (direct, turned) in eitherOrder(sum) {
      guard let straight = binary(direct, .mul), let crossed = binary(turned, .mul) else { continue }
      for (rotated, sine) in eitherOrder(crossed) {
        guard let (x, half, nodes) = rotatedHalves(rotated) else { continue }
        for (factor, cosine) in eitherOrder(straight) where factor == x {
          return Rotation(x: x, cosine: cosine, sine: sine, half: half, covers: [sum.id, straight.id, crossed.id] + nodes)
        }
      }
    }
    return nil
  }

  /// concat(−x[h…], x[…h]) along the last axis.
  private func rotatedHalves(_ value: ValueID) -> (x: ValueID, half: Int, nodes: [NodeID])? {
    guard let (concat, op, node) = made(value, by: Concatenate.self), node.inputs.count == 2, let rank = graph.tensorType(value)?.rank,
      op.axis == -1 || op.axis == rank - 1, let (negate, upper) = unary(node.inputs[0], .neg), let lower = node.inputs[1],
      let high = part(upper), let low = part(lower), high.x == low.x, low.start == 0, high.start == low.count,
      let whole = graph.tensorType(low.x)?.shape.last?.constant, whole == low.count + high.count
    else { return nil }
    return (low.x, low.count, [concat, negate] + Set([high.node, low.node]).sorted())
  }

  /// x·cos + reshape(stack(−x[1::2], x[0::2]))·sin, the form with interleaved pairs.
  fileprivate func turnedNeighbours(_ value: ValueID) -> [NodeID]? {
    guard let sum = binary(value, .add) else { return nil }
    for (direct, turned) in eitherOrder(sum) {
      guard let straight = binary(direct, .mul), let crossed = binary(turned, .mul) else { continue }
      for (rotated, _) in eitherOrder(crossed) {
        guard let view = graph.producer(rotated), isReshape(graph[view]),
          let (stack, _, pair) = made(graph[view].inputs[0], by: Concatenate.self), pair.inputs.count == 2,
          let (unsqueeze, _, inner) = made(pair.inputs[0], by: Unsqueeze.self), let (negate, odd) = unary(inner.inputs[0], .neg),
          let (slice, _, cut) = made(odd, by: Slice.self), cut.inputs.count == 5, graph.constant(cut.inputs[4])?.shapeContents == [2],
          straight.a == cut.inputs[0] || straight.b == cut.inputs[0]
        else { continue }
        return [sum.id, straight.id, crossed.id, view, stack, unsqueeze, negate, slice]
      }
    }
    return nil
  }

  /// A contiguous part of the last axis: a slice, or one result of a split.
  private func part(_ value: ValueID) -> (x: ValueID, start: Int, count: Int, node: NodeID)? {
    guard let producer = graph.producer(value), let x = graph[producer].inputs[0],
      let count = graph.tensorType(value)?.shape.last?.constant,
      let rank = graph.tensorType(x)?.rank, let whole = graph.tensorType(x)?.shape.last?.constant
    else { return nil }
    let node = graph[producer]
    if let split = node.operation as? Split, split.axis == -1 || split.axis == rank - 1 {
      let before = node.outputs.prefix { $0 != value }.compactMap { graph.tensorType($0)?.shape.last?.constant }
      return (x, before.reduce(0, +), count, producer)
    }
    guard node.operation is Slice, node.inputs.count >= 4,
      let axes = graph.constant(node.inputs[3])?.shapeContents?.compactMap(\.constant), axes == [-1] || axes == [rank - 1],
      let start = graph.constant(node.inputs[1])?.shapeContents?.first?.constant,
      node.inputs.count < 5 || node.inputs[4] == nil || graph.constant(node.inputs[4])?.shapeContents == [1]
    else { return nil }
    return (x, start < 0 ? start + whole : start, count, producer)
  }

  /// Axes of extent 1 to take out, highest first, so that a table is [length, depth] or [batch, length, depth].
  fileprivate func tableAxes(_ table: ValueID, for x: TensorType) -> [Int]? {
    guard let type = graph.tensorType(table), type.shape.last == x.shape.last else { return nil }
    switch type.rank {
    case 2: return type.shape[0] == x.shape[2] ? [] : nil
    case 3: return type.shape[0] == 1 && type.shape[1] == x.shape[2] ? [0] : nil
    case 4:
      guard type.shape[1] == 1, type.shape[2] == x.shape[2] else { return nil }
      return type.shape[0] == 1 ? [1, 0] : type.shape[0] == x.shape[0] ? [1] : nil
    default: return nil
    }
  }

  /// Follows elementwise and view nodes to a concatenation of a tensor with itself, or compares a constant.
  fileprivate func hasEqualHalves(_ table: ValueID) -> Bool {
    var value = table
    for _ in 0..<12 {
      if let constant = graph.constant(value) { return constant.hasEqualHalves }
      guard let producer = graph.producer(value), let rank = graph.tensorType(value)?.rank else { return false }
      let node = graph[producer]
      if let concat = node.operation as? Concatenate, concat.axis == -1 || concat.axis == rank - 1 {
        return node.inputs.count == 2 && node.inputs[0] == node.inputs[1]
      }
      guard let next = lastAxisKeeper(value, node) else { return false }
      value = next
    }
    return false
  }

  /// The input whose last axis the node hands on, element by element or as it is.
  private func lastAxisKeeper(_ value: ValueID, _ node: Node) -> ValueID? {
    if let (_, x, _) = scaled(value) { return x }
    guard let input = node.inputs.first ?? nil, graph.tensorType(input)?.shape.last == graph.tensorType(value)?.shape.last else {
      return nil
    }
    switch node.operation {
    case is UnaryElementwise, is Cast, is Unsqueeze, is Squeeze, is Reshape, is Expand, is Slice: return input
    case let gather as Gather: return gather.axis == 0 && (graph.tensorType(input)?.rank ?? 0) > 1 ? input : nil
    case let transpose as Transpose:
      return transpose.permutation.map { $0.last == $0.count - 1 } == true ? input : nil
    default: return nil
    }
  }
}

extension Constant {
  /// Both halves of the last axis hold the same numbers.
  fileprivate var hasEqualHalves: Bool {
    guard let shape = type.constantShape, let depth = shape.last, depth > 0, depth % 2 == 0, let count = shape.checkedProduct,
      count <= 1 << 24, let numbers = Tensor(self).flatMap({ try? $0.doubles() })
    else { return false }
    for start in stride(from: 0, to: numbers.count, by: depth)
    where numbers[start..<(start + depth / 2)] != numbers[(start + depth / 2)..<(start + depth)] { return false }
    return true
  }
}
