internal import Basic
internal import IR
internal import Ops

/// Puts the constant of a commutative function second: exporters write bias + x and x + bias.
let orderOperands = GraphPass(
  "order-operands", "The constant of a commutative function stands second.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [BinaryElementwise.self]) {
    let node = rewriter.graph[id]
    guard let binary = node.operation as? BinaryElementwise, binary.function.isCommutative, node.inputs.count == 2, let a = node.inputs[0],
      let b = node.inputs[1], rewriter.graph.constant(a) != nil, rewriter.graph.constant(b) == nil
    else { continue }
    rewriter.setInput(0, of: id, to: b)
    rewriter.setInput(1, of: id, to: a)
    context.count("operand")
  }
}
