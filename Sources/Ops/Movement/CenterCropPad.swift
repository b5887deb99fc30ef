package import IR

/// x cropped or padded with zeros about the centre of each axis to given extents.
///
/// Inputs: x, extents (of `axes`, by default all).
package struct CenterCropPad: ONNXOperator {
  package static let name = "center-crop-pad"

  package var axes: [Int]?

  package init(axes: [Int]? = nil) { self.axes = axes }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    var shape = x.shape
    let axes = axes ?? Array(0..<x.rank)
    let extents = context.known(1)
    guard extents.map({ $0.count == axes.count && !$0.contains { ($0.constant ?? 0) < 0 } }) ?? true else {
      throw OperatorError("extents-fit", "extents \(extents?.text ?? "") for \(axes.count) axes")
    }
    for (index, axis) in axes.enumerated() {
      shape[try resolveAxis(axis, rank: x.rank)] = extents?[index] ?? context.freshDimension("axis\(axis)")
    }
    return [.tensor(TensorType(x.element, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .pad, inputs: [try operands.input(0)], outputs: [try operands.output()]))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let shape = try shapes(inputs)[0]
    // Half of the difference, rounded down, goes before the first element.
    let positions = x.shape.indices.map { axis in
      let (old, new) = (x.shape[axis], shape[axis])
      let shift = new < old ? (old - new) / 2 : -((new - old) / 2)
      return (0..<new).map { $0 + shift >= 0 && $0 + shift < old ? $0 + shift : -1 }
    }
    let rule = FilledSelection(Pad.offsets(positions, strides: x.shape.rowMajorStrides))
    return [.tensor(Tensor(x.element, shape, try x.elements.merged(Tensor.zero(x.element).elements, rule)))]
  }

  package static var onnxNames: [ONNXName] { ["CenterCropPad"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> CenterCropPad {
    CenterCropPad(axes: try node.integers("axes"))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("CenterCropPad", axes.map { [("axes", .integers($0))] } ?? [])
  }
}
