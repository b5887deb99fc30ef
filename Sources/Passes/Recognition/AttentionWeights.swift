internal import IR
internal import Ops

/// The second product of attention: what is weighted, and the softmax that the weights come from.
struct AttentionWeights {
  /// What the product reads, or what it reads transposed.
  var probabilities: ValueID
  var values: ValueID
  /// Before the softmax and what belongs to it.
  var scores: ValueID
  /// Of the softmax.
  var axis: Int
  /// A score beside those of the keys, which takes weight away and weighs nothing: one per head, or what broadcasts to [b, h, s, 1].
  var sinks: ValueID?
  /// values·probabilitiesᵀ, as where features stand before positions.
  var isTurned = false
  var nodes: [NodeID]
}

extension GraphMatcher {
  /// P·V or V·Pᵀ with P from a softmax.
  func attentionWeights(_ product: Node) -> AttentionWeights? {
    guard let first = product.inputs[0], let second = product.inputs[1] else { return nil }
    if let found = attentionWeights(first, values: second) { return found }
    guard let (id, op, node) = made(second, by: Transpose.self), let probabilities = node.inputs[0],
      let rank = graph.tensorType(second)?.rank, op.permutation == exchanged(rank), readers.sole(second) != nil,
      var found = attentionWeights(probabilities, values: first)
    else { return nil }
    found.isTurned = true
    found.nodes.append(id)
    return found
  }

  /// The softmax of scores whose weights pass something else before they are multiplied with values, such as a mixture of heads.
  func changedWeights(_ product: Node) -> [NodeID]? {
    guard let first = product.inputs[0], let second = product.inputs[1], graph.constant(second) == nil else { return nil }
    var (current, nodes) = (first, [NodeID]())
    for _ in 0..<8 {
      if let (softmax, _, node) = softmax(current) {
        guard nodes.contains(where: { !isView($0) }), let scores = node.inputs[0] else { return nil }
        return leadsToWeightedProduct(scores) ? nodes + softmax : nil
      }
      guard let id = graph.producer(current), let input = graph[id].inputs.first ?? nil else { return nil }
      switch graph[id].operation {
      case is Reshape, is Transpose, is Unsqueeze, is Squeeze, is Cast: break
      case is MatrixMultiply, is BinaryElementwise:
        guard graph[id].inputs.dropFirst().allSatisfy({ $0.map { graph.constant($0) != nil } ?? true }) else { return nil }
      default: return nil
      }
      nodes.append(id)
      current = input
    }
    return nil
  }

  private func isView(_ id: NodeID) -> Bool {
    switch graph[id].operation {
    case is Reshape, is Transpose, is Unsqueeze, is Squeeze, is Cast: true
    default: false
    }
  }

  /// A product of two tensors that are no constants, a few steps of one tensor and constants above.
  private func leadsToWeightedProduct(_ value: ValueID) -> Bool {
    var current = value
    for _ in 0..<8 {
      guard let id = graph.producer(current), let input = graph[id].inputs.first ?? nil else { return false }
      let isAlone = graph[id].inputs.dropFirst().allSatisfy { $0.map { graph.constant($0) != nil } ?? true }
      if graph[id].operation is MatrixMultiply, !isAlone { return true }
      guard isAlone || graph[id].operation is BinaryElementwise else { return false }
      current = input
    }
    return false
  }

  /// The order that exchanges the two last axes.
  func exchanged(_ rank: Int) -> [Int] {
    var order = Array(0..<rank)
    if rank > 1 { order.swapAt(rank - 2, rank - 1) }
    return order
  }

  private func attentionWeights(_ probabilities: ValueID, values: ValueID) -> AttentionWeights? {
    let kept = withoutLastColumn(probabilities)
    guard let (nodes, op, node) = softmax(kept?.whole ?? probabilities), op.function == .softmax, let input = node.inputs[0] else {
      return nil
    }
    var found = AttentionWeights(probabilities: probabilities, values: values, scores: input, axis: op.axis, nodes: nodes)
    if let (source, nodes) = withoutMaximum(input, op.axis) {
      found.scores = source
      found.nodes += nodes
    }
    guard let kept else { return found }
    guard let (concat, join, joined) = made(found.scores, by: Concatenate.self), joined.inputs.count == 2,
      isLast(join.axis, of: found.scores), let scores = joined.inputs[0], let column = joined.inputs[1],
      graph.tensorType(column)?.shape.last == 1, readers.sole(kept.whole) != nil
    else { return nil }
    found.scores = scores
    found.nodes += [kept.node, concat]
    found.sinks = column
    if let (expand, _, node) = made(column, by: Expand.self), let source = node.inputs[0] {
      found.nodes.append(expand)
      found.sinks = source
    }
    return found
  }

  /// What is cut by one element at the end of its last axis.
  private func withoutLastColumn(_ value: ValueID) -> (whole: ValueID, node: NodeID)? {
    guard let (id, _, node) = made(value, by: Slice.self), let whole = node.inputs[0], let wide = graph.tensorType(whole)?.shape,
      let narrow = graph.tensorType(value)?.shape, wide.dropLast() == narrow.dropLast(), let extent = wide.last,
      extent - 1 == narrow.last, graph.constant(node.inputs[1])?.shapeContents == [0],
      node.inputs.count < 5 || node.inputs[4] == nil || graph.constant(node.inputs[4])?.shapeContents == [1]
    else { return nil }
    return (whole, id)
  }

  /// x of x − max(x), of which a softmax is that of x.
  private func withoutMaximum(_ value: ValueID, _ axis: Int) -> (source: ValueID, nodes: [NodeID])? {
    guard let (subtract, source, largest) = binary(value, .sub), let (id, op, node) = made(largest, by: Reduce.self),
      op.function == .maximum, op.keepsAxes, node.inputs[0] == source, let rank = graph.tensorType(source)?.rank,
      axes(of: node) == [axis < 0 ? axis + rank : axis]
    else { return nil }
    return (source, [subtract, id])
  }

  /// A softmax, possibly behind an identity that guards against rows without any key, or a cast of its result.
  private func softmax(_ value: ValueID) -> (nodes: [NodeID], op: Softmax, node: Node)? {
    if let (id, op, node) = made(value, by: Softmax.self) { return ([id], op, node) }
    if let (id, _, node) = made(value, by: Reshape.self), let inner = node.inputs[0], joinsHeads(inner, value),
      let (softmaxID, op, softmaxNode) = made(inner, by: Softmax.self), readers.sole(inner) != nil
    {
      return ([id, softmaxID], op, softmaxNode)
    }
    if let (id, _, node) = made(value, by: Cast.self), let inner = node.inputs[0],
      let (softmaxID, op, softmaxNode) = made(inner, by: Softmax.self)
    {
      return ([id, softmaxID], op, softmaxNode)
    }
    // where(isnan(p), 0, p), as exporters write for fully masked rows.
    if let (id, _, node) = made(value, by: Where.self), node.inputs.count == 3, scalar(node.inputs[1]) == 0,
      let (softmaxID, op, softmaxNode) = made(node.inputs[2], by: Softmax.self)
    {
      let guardNode = graph.producer(node.inputs[0]).map { [$0] } ?? []
      return ([id] + guardNode + [softmaxID], op, softmaxNode)
    }
    return nil
  }

  /// [b, h, s, t] seen as [b·h, s, t].
  func joinsHeads(_ apart: ValueID, _ together: ValueID) -> Bool {
    guard let wide = graph.tensorType(apart)?.constantShape, let flat = graph.tensorType(together)?.constantShape, wide.count == 4 else {
      return false
    }
    return flat == [wide[0] * wide[1], wide[2], wide[3]]
  }

  /// Scores [b·h, s, t] that were [b, h, s, t] while masks were added to them.
  func headsApart(_ scores: ValueID) -> (scores: ValueID, shape: [Dimension], view: NodeID)? {
    guard let (view, _, node) = made(scores, by: Reshape.self), let apart = node.inputs[0], joinsHeads(apart, scores),
      binary(apart, .add) != nil || made(apart, by: Where.self) != nil, let shape = graph.tensorType(apart)?.shape
    else { return nil }
    return (apart, shape, view)
  }
}
