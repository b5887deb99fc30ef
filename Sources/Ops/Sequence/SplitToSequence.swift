package import IR

/// Parts of a tensor along one axis as a sequence.
///
/// Inputs: x, optional extent of every part (a scalar; the last part may be shorter) or extents of all parts (a vector).
/// Without extents the parts are single slices, which lose the axis unless `keepsAxis`.
package struct SplitToSequence: ONNXOperator {
  package static let name = "split-to-sequence"

  package var axis: Int
  package var keepsAxis: Bool

  package init(axis: Int = 0, keepsAxis: Bool = true) {
    self.axis = axis
    self.keepsAxis = keepsAxis
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    var shape = x.shape
    if context.hasInput(1) {
      let known = context.knownIntegers(1)
      let even = known?.first.flatMap { first in known?.allSatisfy { $0 == first } == true ? first : nil }
      let divides = even.flatMap { part in x.shape[axis].constant.map { part > 0 && $0 % part == 0 } } ?? false
      shape[axis] = divides ? .constant(even ?? 1) : context.freshDimension("part")
    } else if keepsAxis {
      shape[axis] = 1
    } else {
      shape.remove(at: axis)
    }
    return [.sequence(.tensor(TensorType(x.element, shape)))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.input(0)
    return .movement(Movement(kind: .slice, inputs: [x], outputs: [x]))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    let extent = x.shape[axis]
    guard let given = try inputs.optionalTensor(1) else {
      return [
        .sequence(
          (0..<extent).map { position in
            var slice = x.slice(position, axis: axis)
            if keepsAxis { slice.shape.insert(1, at: axis) }
            return .tensor(slice)
          })
      ]
    }
    var parts = try inputs.integers(1)
    if given.rank == 0, let part = parts.first, part > 0 {
      parts = stride(from: 0, to: extent, by: part).map { min(part, extent - $0) }
    }
    guard parts.allSatisfy({ $0 >= 0 }), parts.checkedSum == extent else {
      throw OperatorError("parts-match", "parts \(parts) do not make up an extent of \(extent)")
    }
    let strides = x.shape.rowMajorStrides
    var start = 0
    return [
      .sequence(
        parts.map { part in
          defer { start += part }
          var shape = x.shape
          shape[axis] = part
          return .tensor(
            x.rearranged(shape, StridedView(shape: shape, strides: strides, offset: start * strides[axis])))
        })
    ]
  }

  package static var onnxNames: [ONNXName] { ["SplitToSequence"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SplitToSequence {
    SplitToSequence(axis: try node.integer("axis") ?? 0, keepsAxis: try node.integer("keepdims") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("SplitToSequence", [("axis", .integer(axis)), ("keepdims", .integer(keepsAxis ? 1 : 0))])
  }
}

extension [Int] {
  /// The sum, nil when it overflows.
  fileprivate var checkedSum: Int? {
    var sum = 0
    for value in self {
      let (next, overflow) = sum.addingReportingOverflow(value)
      if overflow { return nil }
      sum = next
    }
    return sum
  }
}
