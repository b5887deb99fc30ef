package import IR

/// A new axis of extent `depth` with one value at each index and another elsewhere.
///
/// Inputs: indices, scalar depth, values [off, on]. An index outside −depth..<depth gives only "off".
package struct OneHot: ONNXOperator {
  package static let name = "one-hot"

  /// Position of the new axis in the result.
  package var axis: Int

  package init(axis: Int = -1) { self.axis = axis }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let indices = try context.tensor(0)
    var shape = indices.shape
    let depth = context.known(1)?.first ?? context.knownNumbers(1)?.first.map { .constant(Int($0.clampedInt64)) }
    guard (depth?.constant ?? 0) >= 0 else { throw OperatorError("extents-positive", "a negative depth") }
    shape.insert(depth ?? context.freshDimension("depth"), at: try resolveAxis(axis, rank: indices.rank + 1))
    return [.tensor(TensorType(try context.element(2), shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.scatter)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (indices, values) = (try inputs.tensor(0), try inputs.tensor(2))
    guard let depth = try inputs.tensor(1).integers().first.map(Int.init), depth >= 0, values.count == 2 else {
      throw OperatorError("one-element", "a one-hot encoding needs a depth and two values")
    }
    let axis = try resolveAxis(axis, rank: indices.rank + 1)
    var shape = indices.shape
    shape.insert(depth, at: axis)
    var choice = [Int](repeating: 0, count: try shape.evaluableCount())
    let block = indices.shape[axis...].reduce(1, *)
    for (position, index) in try indices.integers().enumerated() {
      let hot = index < 0 ? Int(index) + depth : Int(index)
      guard hot >= 0, hot < depth else { continue }
      choice[(position / block * depth + hot) * block + position % block] = 1
    }
    return [.tensor(values.rearranged(shape, Selection(choice)))]
  }

  package static var onnxNames: [ONNXName] { ["OneHot"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OneHot {
    OneHot(axis: try node.integer("axis") ?? -1)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("OneHot", [("axis", .integer(axis))]) }
}
