package import IR

/// x with slices replaced at index vectors, combined with what was there.
///
/// Inputs: x, indices [i…, depth], updates [i…, slice…]: y[indices[i…]] = updates[i…].
package struct ScatterND: ONNXOperator {
  package static let name = "scatter-nd"

  package var reduction: ScatterReduction

  package init(reduction: ScatterReduction = .none) { self.reduction = reduction }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.scatter)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, indices, updates) = (try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(2))
    let blocks = try IndexVectors(indices, into: x.shape, batchAxes: 0)
    var targets: [Int] = []
    targets.reserveCapacity(blocks.positions.count * blocks.block)
    for position in blocks.positions { targets += position * blocks.block..<(position + 1) * blocks.block }
    return [.tensor(try reduction.apply(x, updates, at: targets))]
  }

  package static var onnxNames: [ONNXName] { ["ScatterND"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ScatterND {
    ScatterND(reduction: try ScatterReduction.imported(&node))
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("ScatterND", [("reduction", .string(reduction.rawValue))]) }
}
