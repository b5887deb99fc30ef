package import IR

/// Convolution of 8-bit integers into 32-bit sums. Inputs: x, w, optional zero points of x and w. Output: int32 [n, f, spatial…].
package struct IntegerConvolve: ONNXOperator {
  package static let name = "conv-integer"

  package var strides: [Int]
  package var dilations: [Int]
  package var pads: [Int]
  package var groups: Int
  package var padding: WindowPadding

  package init(_ convolution: Convolve) {
    strides = convolution.strides
    dilations = convolution.dilations
    pads = convolution.pads
    groups = convolution.groups
    padding = convolution.padding
  }

  package var convolution: Convolve {
    Convolve(strides: strides, dilations: dilations, pads: pads, groups: groups, padding: padding)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var plain = context
    plain.inputs = [.tensor(try context.tensor(0)), .tensor(try context.tensor(1))]
    return try convolution.inferTypes(plain).compactMap(\.tensor).map { .tensor(TensorType(.int32, $0.shape)) }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try convolution.computation(operands.selecting([0, 1]))
  }

  /// Σ (x − zx)·(w − zw[f]); padding counts as the zero point of x, so it adds nothing.
  static func accumulate(
    _ convolution: Convolve, _ x: Tensor, _ w: Tensor, zeros: (x: Int64, w: [Int64]), _ context: EvaluationContext
  ) throws(OperatorError) -> (shape: [Int], values: [Int32]) {
    guard let filters = w.shape.first, zeros.w.count == 1 || zeros.w.count == filters else {
      throw OperatorError("scale-shape", "one zero point or one per filter is needed, not \(zeros.w.count)")
    }
    var weights = try w.floats()
    let perFilter = w.count / max(1, filters)
    for index in weights.indices { weights[index] -= Float(zeros.w[zeros.w.count == 1 ? 0 : index / perFilter]) }
    let shift = Float(zeros.x)
    let input = try x.floats().map { $0 - shift }
    guard let shape = try convolution.shapes([.tensor(x), .tensor(w)]).first else {
      throw OperatorError("window-fits", "the output shape is not known")
    }
    let geometry = convolution.geometry(x: x.shape, w: w.shape, y: shape)
    if let kernels = context.kernels, x.element.bits <= 8, w.element.bits <= 8 {
      return (shape, kernels.convolveExactly(geometry, input, weights))
    }
    var sums = [Double](repeating: 0, count: try shape.evaluableCount())
    SlidingWindow(geometry).accumulate(input.map(Double.init), weights.map(Double.init), into: &sums)
    return (shape, sums.map { Int32(truncatingIfNeeded: Int64($0)) })
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let sums = try IntegerConvolve.accumulate(
      convolution, try inputs.tensor(0), try inputs.tensor(1),
      zeros: (try inputs.optionalTensor(2)?.integers().first ?? 0, try inputs.optionalTensor(3)?.integers() ?? [0]),
      context)
    return [.tensor(Tensor(.int32, sums.shape, .int32(sums.values)))]
  }

  package static var onnxNames: [ONNXName] { ["ConvInteger"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> IntegerConvolve {
    IntegerConvolve(try Convolve(importing: &node, weight: 1))
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("ConvInteger", convolution.exportONNX().attributes) }
}
