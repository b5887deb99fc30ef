package import IR

/// The partial inverse of a maximum pooling: every value goes back to its recorded position, zeros elsewhere.
///
/// Inputs: x [n, c, spatial…], int64 positions like x, optional output shape. Output: [n, c, spatial…].
package struct MaxUnpool: ONNXOperator {
  package static let name = "max-unpool"

  package var kernel: [Int]
  package var strides: [Int]
  package var pads: [Int]

  package init(kernel: [Int], strides: [Int], pads: [Int]) {
    self.kernel = kernel
    self.strides = strides
    self.pads = pads
  }

  /// The shape that positions count in: (in − 1)·stride + kernel − pads.
  private func pooledShape(_ x: [Dimension]) throws(OperatorError) -> [Dimension] {
    try WindowAxis.check(kernel.count, steps: [kernel, strides], pads: pads)
    guard x.count == kernel.count + 2 else {
      throw OperatorError("ranks-match", "a window of \(kernel.count) axes does not fit the input \(x.text)")
    }
    return x[..<2]
      + kernel.indices.map { axis in
        (x[2 + axis] - 1) * .constant(strides[axis]) + .constant(kernel[axis] - pads[axis] - pads[axis + kernel.count])
      }
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let pooled = try pooledShape(x.shape)
    guard context.hasInput(2) else { return [.tensor(TensorType(x.element, pooled))] }
    let shape = context.known(2) ?? pooled.indices.map { context.freshDimension("axis\($0)") }
    return [.tensor(TensorType(x.element, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation { try operands.movement(.scatter) }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let positions = try inputs.tensor(1).integers()
    let pooled = try pooledShape(x.shape.map(Dimension.constant)).compactMap(\.constant)
    let shape = try inputs.optionalTensor(2)?.integers().map { Int($0) } ?? pooled
    guard let count = shape.checkedProduct, let limit = pooled.checkedProduct, shape.count == pooled.count,
      zip(pooled, shape).allSatisfy({ $0 <= $1 })
    else { throw OperatorError("output-shape", "the output shape \(shape) does not hold \(pooled)") }
    let values = try x.doubles()
    _ = try shape.evaluableCount()
    var y = [Double](repeating: 0, count: count)
    let strides = Broadcast.strides(shape, in: shape)
    for (value, position) in zip(values, positions) {
      guard position >= 0, position < Int64(limit) else {
        throw OperatorError("position-range", "position \(position) lies outside \(pooled)")
      }
      var rest = Int(position)
      var target = 0
      for axis in pooled.indices.reversed() {
        target += rest % pooled[axis] * strides[axis]
        rest /= pooled[axis]
      }
      y[target] = value
    }
    return [.tensor(Tensor(x.element, shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["MaxUnpool"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> MaxUnpool {
    guard let kernel = try node.integers("kernel_shape") else {
      throw OperatorError("missing-attribute", "MaxUnpool needs the attribute 'kernel_shape'")
    }
    return MaxUnpool(
      kernel: kernel, strides: try node.integers("strides") ?? kernel.map { _ in 1 },
      pads: try node.integers("pads") ?? Array(repeating: 0, count: 2 * kernel.count))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "MaxUnpool", [("kernel_shape", .integers(kernel)), ("strides", .integers(strides)), ("pads", .integers(pads))])
  }
}
