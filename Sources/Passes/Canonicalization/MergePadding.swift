internal import Basic
internal import IR
internal import Ops

/// Moves zeros that a pad puts around the spatial axes into the convolution that alone reads them.
let mergePadding = GraphPass(
  "merge-padding", "Zeros around the input of a convolution become its padding.", preserves: .values(relative: 1e-5),
  conditions: Condition.all
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [Convolve.self]) {
    let node = rewriter.graph[id]
    guard var convolution = node.operation as? Convolve, let x = node.inputs[0],
      let (pad, _) = rewriter.graph.producer(x, as: Pad.self), let source = rewriter.graph[pad].inputs[0]
    else { continue }
    let names = rewriter.graph.originNames(of: [pad, id])
    let pads: [Int]
    do throws(NearMiss) {
      pads = try spatialPads(rewriter, pad, convolution, reader: x, context.capabilities)
    } catch {
      context.ledger.miss("merge-padding", names, error.reason)
      continue
    }
    convolution.pads = convolution.padding == .explicit ? zip(convolution.pads, pads).map { $0 + $1 } : pads
    convolution.padding = .explicit
    rewriter.setOperation(convolution, of: id)
    rewriter.setInput(0, of: id, to: source)
    rewriter.erase(pad, reason: "padding of the convolution", heir: id)
    context.ledger.apply("merge-padding", names)
    context.count("padding")
  }
  rewriter.eraseDeadConstants()
}

private enum Condition {
  static let target = "the target's convolution does not pad"
  static let mode = "the pad repeats or mirrors elements, or its value is not 0"
  static let shared = "the padded tensor is read elsewhere too"
  static let counts = "the counts of the pad are not known"
  static let axes = "the pad also changes batch or channels, or takes elements away"
  static let automatic = "the convolution's own padding follows from its input's size"
  static let layout = "the convolution's channels stand last"
  static let all = [target, mode, layout, shared, counts, axes, automatic]
}

/// Begin pads of the spatial axes, then end pads.
private func spatialPads(
  _ rewriter: borrowing Rewriter, _ pad: NodeID, _ convolution: Convolve, reader x: ValueID, _ capabilities: Capabilities
) throws(NearMiss) -> [Int] {
  let graph = rewriter.graph
  let node = graph[pad]
  guard capabilities.operandLoads.contains(.pad) else { throw NearMiss(Condition.target, [pad]) }
  guard let op = node.operation as? Pad, op.mode == .constant,
    node.inputs.count < 3 || node.inputs[2] == nil || graph.scalar(node.inputs[2]) == 0
  else { throw NearMiss(Condition.mode, [pad]) }
  guard convolution.layout != .channelsLast else { throw NearMiss(Condition.layout, [pad]) }
  guard rewriter.soleUser(of: x) != nil else { throw NearMiss(Condition.shared, [pad]) }
  guard convolution.padding == .explicit || convolution.padding == .valid else { throw NearMiss(Condition.automatic, [pad]) }
  guard let rank = graph.tensorType(x)?.rank, let counts = graph.constant(node.inputs[1])?.shapeContents?.compactMap(\.constant)
  else { throw NearMiss(Condition.counts, [pad]) }
  var axes = Array(0..<rank)
  if node.inputs.count > 3, let listed = node.inputs[3] {
    guard let known = graph.constant(listed)?.shapeContents?.compactMap(\.constant) else { throw NearMiss(Condition.counts, [pad]) }
    axes = known.map { $0 < 0 ? $0 + rank : $0 }
  }
  guard counts.count == 2 * axes.count, convolution.pads.count == 2 * (rank - 2) || convolution.padding == .valid
  else { throw NearMiss(Condition.counts, [pad]) }
  var result = [Int](repeating: 0, count: 2 * (rank - 2))
  for (index, axis) in axes.enumerated() {
    let (begin, end) = (counts[index], counts[index + axes.count])
    guard begin >= 0, end >= 0, axis >= 2 || (begin == 0 && end == 0) else { throw NearMiss(Condition.axes, [pad]) }
    if axis >= 2 { (result[axis - 2], result[axis - 2 + rank - 2]) = (begin, end) }
  }
  return result
}
