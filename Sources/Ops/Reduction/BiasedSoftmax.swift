package import IR

/// Softmax of x + bias over all axes from `axis` on as one (BiasSoftmax).
///
/// Inputs: x, bias (of the same rank, broadcast to x). Output: like x.
package struct BiasedSoftmax: ONNXOperator {
  package static let name = "softmax-biased"

  package var axis: Int
  /// Which side of the bias's axes are broadcast: it only tells a kernel how to walk.
  package var broadcastsInside: Bool

  private var softmax: Softmax { Softmax(.softmax, axis: axis, isFlattened: true) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard try Broadcast.shape([x.shape, try context.tensor(1).shape]).count == x.rank else {
      throw OperatorError("bias-broadcast", "the bias does not broadcast to \(x.shape.text)")
    }
    return try softmax.inferTypes(context)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    guard case .reduction(var reduction) = try softmax.computation(operands) else { return try softmax.computation(operands) }
    reduction.inputs = try operands.presentInputs()
    reduction.costPerElement.simple += 1
    return .reduction(reduction)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let sum = try BinaryElementwise.Function.add.apply(try inputs.tensor(0), try inputs.tensor(1))
    let split = AxisSplit(sum.shape, axis: try resolveAxis(axis, rank: sum.rank))
    let rows = sum.reshaped([split.outer, split.extent * split.inner])
    let y = try Softmax(.softmax, axis: 1).evaluate([.tensor(rows)], context).map { $0 }.tensor(0)
    return [.tensor(y.reshaped(sum.shape))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "BiasSoftmax")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> BiasedSoftmax {
    BiasedSoftmax(axis: try node.integer("axis") ?? 1, broadcastsInside: try node.integer("is_inner_broadcast") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "BiasSoftmax"),
      [("axis", .integer(axis)), ("is_inner_broadcast", .integer(broadcastsInside ? 1 : 0))])
  }
}
