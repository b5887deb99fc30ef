package import IR

/// One element of x per index: y[i, j, k] = x[indices[i, j, k], j, k] for axis 0.
package struct GatherElements: ONNXOperator {
  package static let name = "gather-elements"

  package var axis: Int

  package init(axis: Int = 0) { self.axis = axis }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, indices) = (try context.tensor(0), try context.tensor(1))
    _ = try resolveAxis(axis, rank: x.rank)
    guard x.rank == indices.rank else {
      throw OperatorError("ranks-match", "\(x.shape.text) and indices \(indices.shape.text) must have one rank")
    }
    return [.tensor(TensorType(x.element, indices.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let y = try operands.output()
    return .movement(
      Movement(
        kind: .gather, inputs: [try operands.input(0), try operands.input(1)], outputs: [y], elementsRead: y.count))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, indices) = (try inputs.tensor(0), try inputs.tensor(1))
    return [.tensor(x.rearranged(indices.shape, Selection(try elementOffsets(of: x.shape, indices, axis: axis))))]
  }

  package static var onnxNames: [ONNXName] { ["GatherElements"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> GatherElements {
    GatherElements(axis: try node.integer("axis") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("GatherElements", [("axis", .integer(axis))]) }
}

/// Offsets into a tensor of `shape` that element-wise indices along `axis` name, in order of the indices.
package func elementOffsets(of shape: [Int], _ indices: Tensor, axis: Int) throws(OperatorError) -> [Int] {
  let axis = try resolveAxis(axis, rank: shape.count)
  guard indices.rank == shape.count, zip(indices.shape, shape).enumerated().allSatisfy({ $0 == axis || $1.0 <= $1.1 })
  else {
    throw OperatorError("indices-fit", "indices of shape \(indices.shape) do not fit a tensor of shape \(shape)")
  }
  let positions = try resolved(indices, extent: shape[axis])
  var strides = shape.rowMajorStrides
  let along = strides[axis]
  strides[axis] = 0
  var offsets = StridedCounter(shape: indices.shape, strides: strides)
  return positions.map { $0 * along + offsets.next() }
}

/// Counts through a shape in row-major order, giving the offset by other strides.
package struct StridedCounter {
  private let shape: [Int]
  private let strides: [Int]
  private var index: [Int]
  private var offset = 0

  package init(shape: [Int], strides: [Int]) {
    self.shape = shape
    self.strides = strides
    index = [Int](repeating: 0, count: shape.count)
  }

  package mutating func next() -> Int {
    defer { advance() }
    return offset
  }

  private mutating func advance() {
    var axis = shape.count - 1
    while axis >= 0 {
      index[axis] += 1
      offset += strides[axis]
      if index[axis] < shape[axis] { return }
      offset -= strides[axis] * shape[axis]
      index[axis] = 0
      axis -= 1
    }
  }
}
