package import IR

/// Slices of x along an axis (or elements of the flattened x) where a vector of truth values says so.
package struct Compress: ONNXOperator {
  package static let name = "compress"

  /// Nil: x is flattened first.
  package var axis: Int?

  package init(axis: Int? = nil) { self.axis = axis }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let kept = context.freshDimension("kept")
    guard let axis else { return [.tensor(TensorType(x.element, [kept]))] }
    var shape = x.shape
    shape[try resolveAxis(axis, rank: x.rank)] = kept
    return [.tensor(TensorType(x.element, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.gather)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard case .bool(let condition) = try inputs.tensor(1).elements else {
      throw OperatorError("truth-values-expected", "the condition must be bool")
    }
    let source = axis == nil ? x.reshaped([x.count]) : x
    let along = try resolveAxis(axis ?? 0, rank: source.rank)
    guard condition.count <= source.shape[along] else {
      throw OperatorError("condition-fits", "\(condition.count) truth values for \(source.shape[along]) slices")
    }
    let positions = condition.indices.filter { condition[$0] }
    var shape = source.shape
    shape[along] = positions.count
    let rule = BlockSelection(
      outer: source.shape[..<along].reduce(1, *), extent: source.shape[along], positions: positions,
      block: source.shape[(along + 1)...].reduce(1, *))
    return [.tensor(source.rearranged(shape, rule))]
  }

  package static var onnxNames: [ONNXName] { ["Compress"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Compress {
    Compress(axis: try node.integer("axis"))
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Compress", axis.map { [("axis", .integer($0))] } ?? []) }
}
