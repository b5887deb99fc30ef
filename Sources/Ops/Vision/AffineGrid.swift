package import IR

/// The sampling grid of an affine transformation. Inputs: θ [n, d, d + 1], size [d + 2]. Output: [n, spatial…, d].
package struct AffineGrid: ONNXOperator {
  package static let name = "affine-grid"

  package var alignsCorners: Bool

  package init(alignsCorners: Bool = false) { self.alignsCorners = alignsCorners }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let theta = try context.tensor(0)
    guard theta.rank == 3 else { throw OperatorError("ranks-match", "θ must be [n, d, d + 1], not \(theta.shape.text)") }
    guard let size = try context.extents(1) else { return [.unranked(theta.element)] }
    guard size.count >= 3 else { throw OperatorError("size-rank", "the size must name batch, channels and spatial axes") }
    return [.tensor(TensorType(theta.element, [size[0]] + size[2...] + [.constant(size.count - 2)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let axes = try operands.shape(ofOutput: 0).last ?? 2
    return try operands.pointwise("affine-grid", simple: 2 * axes + 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let theta = try inputs.tensor(0)
    let values = try theta.doubles()
    guard let shape = try shapes(inputs).first, let axes = shape.last, theta.shape == [shape[0], axes, axes + 1] else {
      throw OperatorError("ranks-match", "θ \(theta.shape) does not fit the size")
    }
    let extents = Array(shape[1..<(shape.count - 1)])
    let plane = extents.reduce(1, *)
    var y: [Double] = []
    for image in 0..<shape[0] {
      for position in 0..<plane {
        // Homogeneous coordinates, the last axis first.
        var point: [Double] = []
        var rest = position
        for extent in extents.reversed() {
          let index = Double(rest % extent)
          point.append(alignsCorners ? (extent == 1 ? -1 : -1 + 2 * index / Double(extent - 1)) : (2 * index + 1) / Double(extent) - 1)
          rest /= extent
        }
        point.append(1)
        for row in 0..<axes {
          let start = (image * axes + row) * (axes + 1)
          y.append(point.indices.reduce(0) { $0 + values[start + $1] * point[$1] })
        }
      }
    }
    return [.tensor(Tensor(theta.element, shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["AffineGrid"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> AffineGrid {
    AffineGrid(alignsCorners: try node.integer("align_corners") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("AffineGrid", [("align_corners", .integer(alignsCorners ? 1 : 0))]) }
}
