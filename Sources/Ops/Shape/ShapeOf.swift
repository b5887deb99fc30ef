package import IR

/// The extents of a tensor, or of the axes `start..<end` of it, as a vector of int64.
package struct ShapeOf: ONNXOperator {
  package static let name = "shape"

  package var start: Int
  /// Nil: up to the last axis.
  package var end: Int?

  package init(start: Int = 0, end: Int? = nil) {
    self.start = start
    self.end = end
  }

  /// The axes asked for; ends beyond the rank are clipped.
  package func axes(rank: Int) -> Range<Int> {
    func clipped(_ axis: Int) -> Int { min(max(axis < 0 ? axis + rank : axis, 0), rank) }
    let first = clipped(start)
    return first..<max(first, end.map(clipped) ?? rank)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if case .unranked? = context.type(0) { return [.tensor(TensorType(.int64, [context.freshDimension("rank")]))] }
    return [.tensor(TensorType(.int64, [axes(rank: try context.tensor(0).rank).count]))]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let x = context.type(0)?.tensor else { return [] }
    return [Array(x.shape[axes(rank: x.rank)])]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .view, inputs: [], outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let extents = x.shape[axes(rank: x.rank)]
    return [.tensor(Tensor([extents.count], integers: extents.map(Int64.init)))]
  }

  package static var onnxNames: [ONNXName] { ["Shape"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ShapeOf {
    ShapeOf(start: try node.integer("start") ?? 0, end: try node.integer("end"))
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = []
    if let end { attributes.append(("end", .integer(end))) }
    if start != 0 { attributes.append(("start", .integer(start))) }
    return ONNXSpelling("Shape", attributes)
  }
}
