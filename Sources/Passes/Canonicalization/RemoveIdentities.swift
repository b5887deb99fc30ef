internal import Basic
internal import IR
internal import Ops

/// Removes nodes that hand one input on unchanged: identities, casts to the same type, reshapes to the same shape, x·1, x + 0 …
let removeIdentities = GraphPass(
  "remove-identities", "Removes nodes that return their input unchanged: casts, views, x·1, x + 0.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: returnsItsInput) {
    let node = rewriter.graph[id]
    guard let output = node.outputs.first, let input = unchangedInput(of: node, rewriter.graph) else { continue }
    var hasOtherReaders = false
    for other in node.outputs.dropFirst() where !rewriter.isDead(other) { hasOtherReaders = true }
    // A graph input that is also an output must stay behind a node of its own.
    guard !hasOtherReaders, !(rewriter.isGraphOutput(output) && rewriter.graph[input].producer == nil) else { continue }
    rewriter.replaceUses(of: output, with: input)
    rewriter.erase(id, reason: "returns its input unchanged")
    context.count("identity")
  }
}

/// Operators that may return an input unchanged.
private let returnsItsInput: [any Operator.Type] = [
  BinaryElementwise.self, Identity.self, Cast.self, Reshape.self, Flatten.self, Squeeze.self, Unsqueeze.self, Expand.self, Pad.self,
  Slice.self, Transpose.self, Dropout.self, Concatenate.self,
]

private func unchangedInput(of node: Node, _ graph: Graph) -> ValueID? {
  guard let first = node.inputs.first ?? nil else { return nil }
  if let binary = node.operation as? BinaryElementwise { return otherOperand(binary.function, node, graph) }
  guard let input = graph.tensorType(first), let output = graph.tensorType(node.outputs.first) else { return nil }
  let isSame = input.shape == output.shape && input.element == output.element
  switch node.operation {
  case is Identity: return first
  case is Cast: return input.element == output.element ? first : nil
  case is Reshape, is Flatten, is Squeeze, is Unsqueeze, is Expand: return isSame ? first : nil
  case is Pad: return isSame && graph.scalar(node.inputs[1]) == 0 ? first : nil
  case is Slice:
    let isForward = node.inputs.count < 5 || node.inputs[4] == nil || graph.scalar(node.inputs[4]) == 1
    return isSame && isForward ? first : nil
  case let transpose as Transpose:
    return (transpose.permutation ?? Array((0..<input.rank).reversed())) == Array(0..<input.rank) ? first : nil
  case is Dropout:
    let isTraining = node.inputs.count > 2 && node.inputs[2] != nil && graph.scalar(node.inputs[2]) != 0
    return isTraining ? nil : first
  case is Concatenate:
    let parts = node.inputs.filter { graph.tensorType($0)?.elementCount != 0 }
    guard parts.count == 1, let part = parts[0], let type = graph.tensorType(part) else { return nil }
    return type.shape == output.shape && type.element == output.element ? part : nil
  default: return nil
  }
}

/// The operand that x·1, x/1, x + 0 or x − 0 returns, when the constant does not widen it.
private func otherOperand(_ function: BinaryElementwise.Function, _ node: Node, _ graph: Graph) -> ValueID? {
  guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return nil }
  let neutral: Double
  switch function {
  case .mul, .div, .and: neutral = 1
  case .add, .sub, .or: neutral = 0
  default: return nil
  }
  func isSame(_ value: ValueID) -> Bool {
    let (type, result) = (graph.tensorType(value), graph.tensorType(node.outputs.first))
    return type?.shape == result?.shape && type?.element == result?.element
  }
  if graph.scalar(b) == neutral, isSame(a) { return a }
  if function.isCommutative, graph.scalar(a) == neutral, isSame(b) { return b }
  return nil
}
