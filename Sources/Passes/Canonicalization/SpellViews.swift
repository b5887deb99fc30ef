internal import Basic
internal import IR
internal import Ops

/// Gives views one spelling: a reshape that only adds or drops axes of extent 1 becomes `unsqueeze` or `squeeze`, and
/// reshape(transpose(reshape(x))) that merely exchanges axes of x becomes one transposition. Where the last reshape only takes axes
/// apart, they are taken apart before the transposition: exporters merge images and heads around the transposition of keys.
let spellViews = GraphPass(
  "spell-views", "Reshapes that only add or drop axes of extent 1, or only surround a transposition, say so.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [Reshape.self, Flatten.self]) where rewriter.graph.contains(id) {
    let node = rewriter.graph[id]
    guard node.operation is Reshape || node.operation is Flatten, let input = node.inputs[0],
      let from = rewriter.graph.tensorType(input), let to = rewriter.graph.tensorType(node.outputs[0])
    else { continue }
    if let reshape = node.operation as? Reshape, reshape.allowsZero, !to.shape.contains(0),
      rewriter.graph.constant(node.inputs[1])?.shapeContents?.contains(0) == false
    {
      rewriter.setOperation(Reshape(), of: id)
    }
    if let (source, permutation) = hiddenTransposition(rewriter.graph, input, to.shape) {
      _ = rewriter.replace(id, by: Transpose(permutation), [source])
    } else if let split = splitTransposition(rewriter, input, to) {
      let shape = rewriter.addConstant(Constant(integers: split.shape.map(Int64.init)), name: "\(node.name).split")
      guard let view = try? rewriter.addNode(Reshape(), [split.source, shape], name: "\(node.name).apart", origin: Origin()) else {
        continue
      }
      let made = rewriter.replace(id, by: Transpose(split.permutation), [rewriter.graph[view].outputs[0]])
      rewriter.erase(split.transpose, reason: "views around a transposition", heir: made)
    } else if from.rank < to.rank, let axes = insertedAxes(from.shape, to.shape) {
      _ = rewriter.replace(id, by: Unsqueeze(), [input, rewriter.addConstant(Constant(integers: axes), name: "\(node.name).axes")])
    } else if from.rank > to.rank, let axes = insertedAxes(to.shape, from.shape) {
      _ = rewriter.replace(id, by: Squeeze(), [input, rewriter.addConstant(Constant(integers: axes), name: "\(node.name).axes")])
    } else {
      continue
    }
    context.count("view")
  }
  rewriter.eraseDeadConstants()
}

/// Positions of the axes of extent 1 that `long` has more than `short`; nil when they differ otherwise.
private func insertedAxes(_ short: [Dimension], _ long: [Dimension]) -> [Int64]? {
  var axes: [Int64] = []
  var next = 0
  for (axis, extent) in long.enumerated() {
    if next < short.count, short[next] == extent {
      next += 1
    } else if extent == 1 {
      axes.append(Int64(axis))
    } else {
      return nil
    }
  }
  return next == short.count ? axes : nil
}

/// Where the value is transpose(reshape(x)), nobody else reads it and the wanted shape only takes its axes apart: the shape as which
/// x is transposed to the wanted one.
private func splitTransposition(
  _ rewriter: borrowing Rewriter, _ value: ValueID, _ wanted: TensorType
) -> (source: ValueID, shape: [Int], permutation: [Int], transpose: NodeID)? {
  let graph = rewriter.graph
  guard let (id, transpose) = graph.producer(value, as: Transpose.self), rewriter.soleUser(of: value) != nil,
    let merged = graph[id].inputs[0],
    let inner = graph.producer(merged), isReshape(graph[inner]), let source = graph[inner].inputs[0],
    let from = graph.tensorType(value)?.constantShape, let to = wanted.constantShape, from.count < to.count, !to.contains(0),
    let order = try? transpose.order(rank: from.count)
  else { return nil }
  // The axes of the wanted shape that each transposed axis becomes.
  var runs: [Range<Int>] = []
  var next = 0
  for extent in from {
    let start = next
    var product = 1
    while next < to.count, next == start || product < extent {
      product *= to[next]
      next += 1
    }
    guard product == extent else { return nil }
    runs.append(start..<next)
  }
  guard next == to.count else { return nil }
  // Before the transposition the runs stand in the order of the merged axes.
  var before = [Range<Int>](repeating: 0..<0, count: order.count)
  for (position, axis) in order.enumerated() { before[axis] = runs[position] }
  let axes = before.flatMap { Array($0) }
  var permutation = [Int](repeating: 0, count: axes.count)
  for (position, axis) in axes.enumerated() { permutation[axis] = position }
  return (source, axes.map { to[$0] }, permutation, id)
}

/// The source and permutation when the value is transpose(reshape(x)), the reshape merges neighbouring axes of x and the
/// wanted shape takes them apart again.
private func hiddenTransposition(_ graph: Graph, _ value: ValueID, _ wanted: [Dimension]) -> (ValueID, [Int])? {
  guard let (id, transpose) = graph.producer(value, as: Transpose.self), let merged = graph[id].inputs[0],
    let inner = graph.producer(merged), isReshape(graph[inner]), let source = graph[inner].inputs[0],
    let axes = graph.tensorType(source)?.shape, let groups = graph.tensorType(merged)?.shape, axes.count == wanted.count,
    groups.count < axes.count
  else { return nil }
  var runs: [[Int]] = []
  var next = 0
  for group in groups {
    var run: [Int] = []
    var extent = Dimension.constant(1)
    while next < axes.count, run.isEmpty || extent != group {
      extent = extent * axes[next]
      run.append(next)
      next += 1
    }
    guard extent == group else { return nil }
    runs.append(run)
  }
  guard next == axes.count else { return nil }
  let permutation = (transpose.permutation ?? Array(groups.indices.reversed())).flatMap { runs[$0] }
  return permutation.map { axes[$0] } == wanted ? (source, permutation) : nil
}
