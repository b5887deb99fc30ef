internal import Basic
internal import IR
internal import Ops

/// Makes chains of two operands of sums, maxima and minima of any number of tensors: machines and fusion rules know additions, and old
/// exporters write residual connections as `Sum`.
///
/// The chain goes from the left, the order in which the operator is defined to add.
let pairOperands = GraphPass(
  "pair-operands", "A sum, maximum or minimum of many tensors is a chain of operations on two.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [VariadicElementwise.self]) {
    let node = rewriter.graph[id]
    guard let variadic = node.operation as? VariadicElementwise, let step = variadic.function.onTwo(of: node.inputs.count),
      var sum = node.inputs.first ?? nil
    else { continue }
    if node.inputs.count == 1 {
      // A graph input that is also an output must stay behind a node of its own.
      _ = rewriter.replace(id, by: Identity(), [sum])
      context.count("sum")
      continue
    }
    let between = node.inputs.dropFirst().dropLast()
    do throws(OperatorError) {
      for (index, input) in between.enumerated() {
        let made = try rewriter.addNode(step, [sum, input], name: "\(node.name).part\(index)", origin: node.origin)
        sum = rewriter.graph[made].outputs[0]
      }
    } catch {
      continue
    }
    _ = rewriter.replace(id, by: step, [sum, node.inputs[node.inputs.count - 1]])
    context.count("sum")
  }
}

extension VariadicElementwise.Function {
  /// The operation on two tensors; nil where nothing changes, as for a mean, which is no chain of means.
  fileprivate func onTwo(of count: Int) -> (any Operator)? {
    switch self {
    case .sum: BinaryElementwise(.add)
    case .max, .min: count == 2 ? nil : VariadicElementwise(self)
    case .mean: count == 1 ? Identity() : nil
    }
  }
}
