package import IR

/// Discrete Fourier transform along one axis.
///
/// Inputs: x […, 1] real or […, 2] complex, optional length (pads with zeros or cuts), optional axis (−2). Output: […, 2].
package struct DiscreteFourierTransform: ONNXOperator {
  package static let name = "fourier-transform"

  package var isInverse: Bool
  /// Only the first half and the middle, which the others mirror.
  package var isOneSided: Bool

  package init(isInverse: Bool = false, isOneSided: Bool = false) {
    self.isInverse = isInverse
    self.isOneSided = isOneSided
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 2, let parts = x.shape.last, parts.constant.map({ $0 == 1 || $0 == 2 }) ?? true else {
      throw OperatorError("complex-parts", "the last axis must hold 1 or 2 numbers, not \(x.shape.text)")
    }
    var shape = x.shape
    shape[shape.count - 1] = 2
    if context.hasInput(2), context.knownIntegers(2) == nil {
      return [.tensor(TensorType(x.element, shape.indices.dropLast().map { context.freshDimension("axis\($0)") } + [2]))]
    }
    let axis = try resolveAxis(context.knownIntegers(2)?.first ?? -2, rank: x.rank)
    let length = context.hasInput(1) ? context.known(1)?.first ?? context.freshDimension("length") : shape[axis]
    shape[axis] = isOneSided ? length.floorDivided(by: 2) + 1 : length
    return [.tensor(TensorType(x.element, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let known = operands.contents.count > 2 ? operands.contents[2]?.first?.constant : nil
    let columns = shape[try resolveAxis(known ?? -2, rank: shape.count)]
    return .reduction(
      Reduction(
        kind: .sum, rows: shape.dropLast().reduce(1, *) / max(1, columns), columns: columns, inputs: [try operands.input(0)],
        outputs: [try operands.output()], costPerElement: ArithmeticCost(simple: FourierTransform.cost(columns))))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard let parts = x.shape.last, parts == 1 || parts == 2 else {
      throw OperatorError("complex-parts", "the last axis must hold 1 or 2 numbers, not \(x.shape)")
    }
    let axis = try resolveAxis(try inputs.optionalIntegers(2)?.first ?? -2, rank: x.rank)
    let length = try inputs.optionalIntegers(1)?.first ?? x.shape[axis]
    guard axis < x.rank - 1, length >= 0, length < 1 << 26 else { throw OperatorError("axis-range", "the last axis cannot be transformed") }
    let split = AxisSplit(Array(x.shape.dropLast()), axis: axis)
    let bins = isOneSided ? length / 2 + 1 : length
    let values = try x.doubles()
    let transform = FourierTransform(length: length, isInverse: isInverse)
    var shape = x.shape
    shape[axis] = bins
    shape[shape.count - 1] = 2
    var y = [Double](repeating: 0, count: shape.reduce(1, *))
    for o in 0..<split.outer {
      for j in 0..<split.inner {
        func part(_ part: Int) -> [Double] {
          (0..<length).map { index in
            index < split.extent && part < parts ? values[((o * split.extent + index) * split.inner + j) * parts + part] : 0
          }
        }
        let line = transform(part(0), part(1))
        let scale = isInverse ? 1 / Double(length) : 1
        for bin in 0..<min(bins, length) {
          let target = ((o * bins + bin) * split.inner + j) * 2
          y[target] = line.real[bin] * scale
          y[target + 1] = line.imaginary[bin] * scale
        }
      }
    }
    return [.tensor(Tensor(x.element, shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["DFT"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> DiscreteFourierTransform {
    // Until opset 19 the axis is an attribute, 1 unless given.
    if node.opset < 20 { node.setInput(2, Tensor([], integers: [Int64(try node.integer("axis") ?? 1)])) }
    return DiscreteFourierTransform(
      isInverse: try node.integer("inverse") ?? 0 != 0, isOneSided: try node.integer("onesided") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("DFT", [("inverse", .integer(isInverse ? 1 : 0)), ("onesided", .integer(isOneSided ? 1 : 0))])
  }
}
