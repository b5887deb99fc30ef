internal import Basic
internal import IR
internal import Ops

/// Takes parts of a tensor before it is transposed: split(transpose(x)) and transpose(x)[i] become transpositions of parts of x.
///
/// Packed projections of queries, keys and values are reshaped, transposed and taken apart as a whole; parts are views where they
/// lie, and what reads one part alone can load it transposed.
let sinkTranspositions = GraphPass(
  "sink-transpositions", "Parts of a transposed tensor are taken before it is transposed, and transposed one by one.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [Transpose.self]) where rewriter.sinkBelowSqueeze(id) { context.count("view") }
  for id in rewriter.executionOrder(of: [Transpose.self]) where rewriter.graph.contains(id) {
    let node = rewriter.graph[id]
    guard let transpose = node.operation as? Transpose, let source = node.inputs[0], let rank = rewriter.graph.tensorType(source)?.rank,
      let order = try? transpose.order(rank: rank), !rewriter.isGraphOutput(node.outputs[0])
    else { continue }
    let readers = rewriter.users(of: node.outputs[0]).sorted()
    if readers.count == 1, let split = rewriter.graph[readers[0]].operation as? Split {
      rewriter.sink(id, order, below: readers[0], split)
    } else if let picks = picks(rewriter.graph, readers, rank: rank) {
      rewriter.sink(id, order, below: picks, of: source)
    } else {
      continue
    }
    context.count("view")
  }
  for id in rewriter.executionOrder(of: [Transpose.self]) where rewriter.sinkBelowSqueeze(id) { context.count("view") }
  rewriter.eraseDeadConstants()
}

/// One element along an axis of a transposed tensor, which loses that axis.
private struct Pick {
  var node: NodeID
  var axis: Int
  var index: Int
}

/// What the readers pick, when all of them take one element along the same axis.
private func picks(_ graph: Graph, _ readers: [NodeID], rank: Int) -> [Pick]? {
  var result: [Pick] = []
  for reader in readers {
    let node = graph[reader]
    guard let gather = node.operation as? Gather, let axis = try? resolveAxis(gather.axis, rank: rank), let indices = node.inputs[1],
      graph.tensorType(indices)?.rank == 0, let index = graph.constant(indices)?.shapeContents?.first?.constant,
      let extent = graph.tensorType(node.inputs[0])?.shape[axis].constant, (-extent..<extent).contains(index),
      node.inputs[0].flatMap({ graph.producer($0) }) != nil
    else { return nil }
    result.append(Pick(node: reader, axis: axis, index: index < 0 ? index + extent : index))
  }
  guard let axis = result.first?.axis, result.allSatisfy({ $0.axis == axis }) else { return nil }
  return result
}

extension Rewriter {
  /// Takes axes of extent 1 away before the transposition instead of behind it.
  fileprivate mutating func sinkBelowSqueeze(_ id: NodeID) -> Bool {
    let node = graph[id]
    guard let transpose = node.operation as? Transpose, let source = node.inputs[0], let type = graph.tensorType(source),
      let order = try? transpose.order(rank: type.rank), let reader = soleUser(of: node.outputs[0]), graph[reader].operation is Squeeze,
      graph[reader].inputs.count > 1,
      let list = graph[reader].inputs[1].flatMap({ graph.constant($0)?.shapeContents?.compactMap(\.constant) })
    else { return false }
    let dropped = Set(list.compactMap { axis in (try? resolveAxis(axis, rank: order.count)).map { order[$0] } })
    guard !dropped.isEmpty, dropped.allSatisfy({ type.shape[$0] == 1 }) else { return false }
    let kept = type.shape.indices.filter { !dropped.contains($0) }
    let rest = order.compactMap { kept.firstIndex(of: $0) }
    var squeezed = type
    squeezed.shape = kept.map { type.shape[$0] }
    let axes = addConstant(Constant(integers: dropped.sorted().map(Int64.init)), name: "\(node.name).axes")
    let made: NodeID
    if rest == Array(rest.indices) {
      made = replace(reader, by: Squeeze(), [source, axes])
    } else {
      let view = addNode(Squeeze(), [source, axes], types: [.tensor(squeezed)], name: "\(node.name).squeezed", origin: Origin())
      made = replace(reader, by: Transpose(rest), [graph[view].outputs[0]])
    }
    erase(id, reason: "transposed without axes of extent 1", heir: made)
    return true
  }

  /// Splits the source instead, and transposes its parts.
  fileprivate mutating func sink(_ transpose: NodeID, _ order: [Int], below reader: NodeID, _ split: Split) {
    let (node, whole) = (graph[reader], graph[transpose])
    guard let source = whole.inputs[0], let axis = try? resolveAxis(split.axis, rank: order.count) else { return }
    var inputs = node.inputs
    inputs[0] = source
    let types = node.outputs.map { graph[$0].type.inOrder(before: order) }
    let parts = addNode(
      Split(axis: order[axis], parts: split.parts), inputs, types: types, name: node.name, origin: node.origin,
      outputNames: node.outputs.map { "\(graph[$0].name).part" })
    var heir: NodeID?
    for (position, old) in node.outputs.enumerated() {
      let part = graph[parts].outputs[position]
      let name = "\(whole.name).\(position)"
      let made = addNode(Transpose(order), [part], types: [graph[old].type], name: name, origin: Origin(), outputNames: [graph[old].name])
      replaceUses(of: old, with: graph[made].outputs[0])
      heir = made
    }
    erase(reader, reason: "taken before the transposition", heir: parts)
    erase(transpose, reason: "parts are transposed", heir: heir)
  }

  /// Takes the elements from the source, and transposes what is left of each; elements that are all there is are one split.
  fileprivate mutating func sink(_ transpose: NodeID, _ order: [Int], below picks: [Pick], of source: ValueID) {
    let whole = graph[transpose]
    guard var type = graph.tensorType(source), let axis = picks.first.map({ order[$0.axis] }), let extent = type.shape[axis].constant else {
      return
    }
    type.shape[axis] = 1
    var parts: [ValueID] = []
    if picks.map(\.index).sorted() == Array(0..<extent) {
      let types = Array(repeating: ValueType.tensor(type), count: extent)
      let split = addNode(
        Split(axis: axis, parts: extent), [source], types: types, name: "\(whole.name).split", origin: Origin(),
        outputNames: (0..<extent).map { "\(whole.name).part\($0)" })
      parts = picks.map { graph[split].outputs[$0.index] }
    } else {
      for pick in picks {
        let ranges = [pick.index, pick.index + 1, axis].map { addConstant(Constant(integers: [Int64($0)]), name: "\(whole.name).range") }
        let name = "\(whole.name).\(pick.index).\(graph.nodeSlots.count)"
        let slice = addNode(Slice(), [source] + ranges, types: [.tensor(type)], name: name, origin: Origin())
        parts.append(graph[slice].outputs[0])
      }
    }
    let axes = addConstant(Constant(integers: [Int64(picks[0].axis)]), name: "\(whole.name).axis")
    var shape = type
    shape.shape = order.map { type.shape[$0] }
    var heir: NodeID?
    for (pick, part) in zip(picks, parts) {
      let name = "\(graph[pick.node].name).transposed"
      let made = addNode(Transpose(order), [part], types: [.tensor(shape)], name: name, origin: Origin())
      heir = replace(pick.node, by: Squeeze(), [graph[made].outputs[0], axes])
    }
    erase(transpose, reason: "parts are transposed", heir: heir)
  }
}

extension ValueType {
  /// The type that is this one after a transposition by `order`.
  func inOrder(before order: [Int]) -> ValueType {
    guard case .tensor(var type) = self, type.rank == order.count else { return self }
    let transposed = type.shape
    for (position, axis) in order.enumerated() { type.shape[axis] = transposed[position] }
    return .tensor(type)
  }
}
