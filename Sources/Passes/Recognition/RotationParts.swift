internal import IR
internal import Ops

/// Some features of a tensor: `count` of its last axis from `start` on, every `step`-th.
struct FeaturePart {
  var x: ValueID
  var start: Int
  var step: Int
  var count: Int
  /// Pairs have an axis of their own in x: its last two axes are the features.
  var isSplit = false
  /// The value is a part of x in another order of axes.
  var permutation: [Int]?
  var nodes: [NodeID]
}

/// Two tensors put together along their features, one behind the other or element by element.
struct JoinedPair {
  var value: ValueID
  var first: ValueID
  var second: ValueID
  var areNeighbours: Bool
  var nodes: [NodeID]
}

/// Features that are taken apart and put together again.
extension GraphMatcher {
  /// Whether two parts are all pairs of neighbours (true) or the two halves (false); nil when they are neither.
  func arePairs(_ low: FeaturePart, _ high: FeaturePart) -> Bool? {
    guard low.x == high.x, low.permutation == high.permutation, low.isSplit == high.isSplit, low.count == high.count,
      low.step == high.step, low.start == 0,
      low.isSplit || graph.tensorType(low.x)?.shape.last?.constant == 2 * low.count
    else { return nil }
    if low.step == 1, high.start == low.count { return false }
    return low.step == 2 && high.start == 1 ? true : nil
  }

  /// Whether a value is the tensor that a part was taken from.
  func isWhole(_ value: ValueID, of part: FeaturePart) -> Bool {
    guard !part.isSplit else { return false }
    guard let permutation = part.permutation else { return value == part.x }
    guard let (_, op, node) = made(value, by: Transpose.self) else { return false }
    return op.permutation == permutation && node.inputs[0] == part.x
  }

  /// concat(a, b) along the last axis, or concat(unsqueeze(a), unsqueeze(b)) with an axis for the two.
  func joinedPair(_ value: ValueID) -> JoinedPair? {
    guard let (concat, op, node) = made(value, by: Concatenate.self), node.inputs.count == 2, let first = node.inputs[0],
      let second = node.inputs[1], isLast(op.axis, of: value), let shape = graph.tensorType(value)?.shape
    else { return nil }
    guard shape.last == 2, shape.count > 1 else {
      return JoinedPair(value: value, first: first, second: second, areNeighbours: false, nodes: [concat])
    }
    let (x, y) = (withoutLastAxis(first), withoutLastAxis(second))
    return JoinedPair(
      value: value, first: x?.source ?? first, second: y?.source ?? second, areNeighbours: true,
      nodes: [concat] + [x?.id, y?.id].compactMap { $0 })
  }

  /// The same, with all features in one axis: stack and flatten.
  func mergedPair(_ value: ValueID) -> JoinedPair? {
    guard let (view, _, node) = made(value, by: Reshape.self) else { return joinedPair(value).flatMap { $0.areNeighbours ? nil : $0 } }
    guard let stacked = node.inputs[0], mergesPairs(stacked, value), var joined = joinedPair(stacked), joined.areNeighbours else {
      return nil
    }
    joined.value = value
    joined.nodes.append(view)
    return joined
  }

  /// The view that puts stacked pairs into one axis, when it is the only reader.
  func mergingView(of stacked: ValueID) -> (id: NodeID, value: ValueID)? {
    guard let reader = readers.sole(stacked), graph[reader].operation is Reshape, mergesPairs(stacked, graph[reader].outputs[0]) else {
      return nil
    }
    return (reader, graph[reader].outputs[0])
  }

  /// [.., p, 2] seen as [.., 2·p].
  private func mergesPairs(_ stacked: ValueID, _ merged: ValueID) -> Bool {
    guard let apart = graph.tensorType(stacked)?.shape, let shape = graph.tensorType(merged)?.shape, apart.count == shape.count + 1,
      apart.last == 2, apart.dropLast(2) == shape.dropLast()
    else { return false }
    return shape.last == apart[apart.count - 2] * 2
  }

  /// A contiguous or stepped part of the last axis, or one element of each pair that the last axis is seen as.
  func featurePart(_ value: ValueID) -> FeaturePart? {
    guard let rank = graph.tensorType(value)?.rank else { return nil }
    if let part = axisPart(value, axis: rank - 1) { return columns(part) ?? part }
    if let (id, op, node) = made(value, by: Transpose.self), let permutation = op.permutation, permutation.last == rank - 1,
      let input = node.inputs[0], var part = axisPart(input, axis: rank - 1)
    {
      part.permutation = permutation
      part.nodes.append(id)
      return part
    }
    guard let (node, axis, part) = pickedElement(value, rank), let split = graph.tensorType(part.x)?.shape, split.count == rank + 1,
      split[axis] == 2, let count = split[2 * rank - 1 - axis].constant
    else { return nil }
    // [.., p, 2] has a pair's features side by side, [.., 2, p] has halves.
    let (start, step) = axis == rank ? (part.start, 2) : (part.start * count, 1)
    return beforeSplit(FeaturePart(x: part.x, start: start, step: step, count: count, isSplit: true, nodes: node + part.nodes))
  }

  /// One column of [.., p, 2], which is one feature of every pair.
  private func columns(_ part: FeaturePart) -> FeaturePart? {
    guard part.count == 1, let split = graph.tensorType(part.x)?.shape, split.count > 2, split.last == 2,
      let count = split[split.count - 2].constant
    else { return nil }
    return beforeSplit(FeaturePart(x: part.x, start: part.start, step: 2, count: count, isSplit: true, nodes: part.nodes))
  }

  /// The same part of the tensor that had all features in one axis, where a view took them apart.
  private func beforeSplit(_ part: FeaturePart) -> FeaturePart {
    guard let (view, _, node) = made(part.x, by: Reshape.self), let x = node.inputs[0], let shape = graph.tensorType(x)?.shape,
      let split = graph.tensorType(part.x)?.shape, split.count == shape.count + 1, shape.dropLast() == split.dropLast(2),
      shape.last == .constant(2 * part.count)
    else { return part }
    return FeaturePart(x: x, start: part.start, step: part.step, count: part.count, nodes: part.nodes + [view])
  }

  /// One element along one of the two last axes of a tensor with one axis more, which the value has not.
  private func pickedElement(_ value: ValueID, _ rank: Int) -> (nodes: [NodeID], axis: Int, part: FeaturePart)? {
    if let (id, op, node) = made(value, by: Gather.self), let x = node.inputs[0], let indices = node.inputs[1],
      graph.tensorType(indices)?.rank == 0, let index = graph.constant(indices)?.shapeContents?.first?.constant
    {
      let axis = op.axis < 0 ? op.axis + rank + 1 : op.axis
      guard axis >= rank - 1 else { return nil }
      return ([], axis, FeaturePart(x: x, start: index < 0 ? index + 2 : index, step: 1, count: 1, nodes: [id]))
    }
    guard let (id, _, node) = made(value, by: Squeeze.self), let whole = node.inputs[0], node.inputs.count > 1,
      let axes = node.inputs[1].flatMap({ graph.constant($0)?.shapeContents?.compactMap(\.constant) }), let axis = axes.first,
      axes.count == 1
    else { return nil }
    let squeezed = axis < 0 ? axis + rank + 1 : axis
    guard squeezed >= rank - 1, let part = axisPart(whole, axis: squeezed), part.count == 1 else { return nil }
    return ([id], squeezed, part)
  }

  /// A part of one axis: a slice, or one result of a split.
  private func axisPart(_ value: ValueID, axis: Int) -> FeaturePart? {
    guard let producer = graph.producer(value), let x = graph[producer].inputs.first ?? nil, let shape = graph.tensorType(x)?.shape,
      axis < shape.count, let count = graph.tensorType(value)?.shape[axis].constant, let whole = shape[axis].constant
    else { return nil }
    let node = graph[producer]
    if let split = node.operation as? Split, split.axis == axis || split.axis == axis - shape.count {
      let before = node.outputs.prefix { $0 != value }.compactMap { graph.tensorType($0)?.shape[axis].constant }
      return FeaturePart(x: x, start: before.reduce(0, +), step: 1, count: count, nodes: [producer])
    }
    func number(_ position: Int) -> Int? {
      guard let contents = graph.constant(node.inputs[position])?.shapeContents, contents.count == 1 else { return nil }
      return contents[0].constant
    }
    guard node.operation is Slice, node.inputs.count >= 4, let sliced = number(3), sliced == axis || sliced == axis - shape.count,
      let start = number(1), let step = node.inputs.count < 5 || node.inputs[4] == nil ? 1 : number(4), step > 0
    else { return nil }
    return FeaturePart(x: x, start: start < 0 ? start + whole : start, step: step, count: count, nodes: [producer])
  }

  func isLast(_ axis: Int, of value: ValueID) -> Bool { axis == -1 || axis + 1 == graph.tensorType(value)?.rank }

  /// The value before a view that added a last axis of extent 1, or that took one away and added it again.
  private func withoutLastAxis(_ value: ValueID?) -> (id: NodeID, source: ValueID)? {
    guard let value, let id = graph.producer(value), isReshape(graph[id]) || graph[id].operation is Unsqueeze,
      let source = graph[id].inputs[0], let shape = graph.tensorType(value)?.shape, shape.last == 1,
      let before = graph.tensorType(source)?.shape, before == shape.dropLast() || before == shape
    else { return nil }
    return (id, source)
  }
}
