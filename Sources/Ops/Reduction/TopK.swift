package import IR

/// The k largest or smallest elements along one axis and where they stood. Inputs: x, k [1]. Outputs: values, int64 indices.
package struct TopK: ONNXOperator {
  package static let name = "top-k"

  package var axis: Int
  package var takesLargest: Bool
  package var isSorted: Bool

  package init(axis: Int = -1, takesLargest: Bool = true, isSorted: Bool = true) {
    self.axis = axis
    self.takesLargest = takesLargest
    self.isSorted = isSorted
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    var shape = x.shape
    let k = context.known(1)?.first
    if let k = k?.constant, k < 0 || k > shape[axis].constant ?? k {
      throw OperatorError("k-range", "\(k) elements cannot be taken from an axis of \(shape[axis])")
    }
    shape[axis] = k ?? context.freshDimension("k")
    return [.tensor(TensorType(x.element, shape)), .tensor(TensorType(.int64, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let columns = shape[try resolveAxis(axis, rank: shape.count)]
    let k = try operands.shape(ofOutput: 0)[try resolveAxis(axis, rank: shape.count)]
    // A bounded heap: one comparison per element plus about log2(k) for those that enter.
    let comparisons = 1 + max(1, k).bitWidth - max(1, k).leadingZeroBitCount
    return .reduction(
      Reduction(
        kind: .sort, rows: shape.reduce(1, *) / max(1, columns), columns: columns, inputs: [try operands.input(0)],
        outputs: try operands.allOutputs(), costPerElement: ArithmeticCost(simple: comparisons)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let axis = try resolveAxis(axis, rank: tensor.rank)
    let split = AxisSplit(tensor.shape, axis: axis)
    guard let wanted = try inputs.tensor(1).integers().first, wanted >= 0, Int(wanted) <= split.extent else {
      throw OperatorError("k-range", "k must lie between 0 and \(split.extent)")
    }
    let k = Int(wanted)
    let x = try tensor.doubles()
    var values = [Double](repeating: 0, count: split.outer * k * split.inner)
    var indices = [Int64](repeating: 0, count: values.count)
    for o in 0..<split.outer {
      for j in 0..<split.inner {
        let start = o * split.extent * split.inner + j
        let order = (0..<split.extent).sorted { a, b in
          let (u, v) = (x[start + a * split.inner], x[start + b * split.inner])
          return u == v ? a < b : takesLargest ? u > v : u < v
        }
        for (rank, source) in order.prefix(k).enumerated() {
          let target = (o * k + rank) * split.inner + j
          values[target] = x[start + source * split.inner]
          indices[target] = Int64(source)
        }
      }
    }
    var shape = tensor.shape
    shape[axis] = k
    return [.tensor(Tensor(tensor.element, shape, rounding: values)), .tensor(Tensor(shape, integers: indices))]
  }

  package static var onnxNames: [ONNXName] { ["TopK"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> TopK {
    if let k = try node.integer("k") { node.setInput(1, integers: [k]) }
    return TopK(
      axis: try node.integer("axis") ?? -1, takesLargest: try node.integer("largest") ?? 1 != 0,
      isSorted: try node.integer("sorted") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "TopK",
      [("axis", .integer(axis)), ("largest", .integer(takesLargest ? 1 : 0)), ("sorted", .integer(isSorted ? 1 : 0))])
  }
}
