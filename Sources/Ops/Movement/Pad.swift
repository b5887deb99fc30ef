package import IR

/// More elements before and after the extents of each axis (or fewer, for negative counts).
///
/// Inputs: x, counts (begins of all axes, then ends), optional value, optional axes the counts are for.
package struct Pad: ONNXOperator {
  package static let name = "pad"

  package enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
    /// A given value, 0 by default.
    case constant
    /// Mirrored at the edge element, which is not repeated.
    case reflect
    /// The edge element.
    case edge
    /// The other end.
    case wrap
  }

  package var mode: Mode

  package init(_ mode: Mode = .constant) { self.mode = mode }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard let counts = context.known(1), !context.hasInput(3) || context.known(3) != nil else {
      return [.tensor(TensorType(x.element, x.shape.indices.map { context.freshDimension("axis\($0)") }))]
    }
    let axes = try context.axes(3, rank: x.rank) ?? Array(0..<x.rank)
    guard counts.count == 2 * axes.count, counts.allSatisfy({ ($0.constant ?? 0).magnitude < 1 << 40 }) else {
      throw OperatorError("pads-fit", "\(counts.count) pads for \(axes.count) axes")
    }
    var shape = x.shape
    for (index, axis) in axes.enumerated() {
      shape[axis] = shape[axis] + counts[index] + counts[index + axes.count]
      if let number = shape[axis].constant, number < 0 {
        throw OperatorError("pads-fit", "the pads take more than all of axis \(axis) of \(x.shape.text)")
      }
    }
    return [.tensor(TensorType(x.element, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (x, y) = (try operands.input(0), try operands.output())
    return .movement(Movement(kind: x.count == y.count ? .view : .pad, inputs: [x], outputs: [y]))
  }

  /// Axes that stay whole.
  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.untouchedTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let shape = try shapes(inputs)[0]
    let counts = try inputs.integers(1)
    var begins = [Int](repeating: 0, count: x.rank)
    if let axes = try inputs.optionalIntegers(3) {
      for (index, axis) in axes.enumerated() { begins[try resolveAxis(axis, rank: x.rank)] = counts[index] }
    } else {
      for axis in begins.indices { begins[axis] = counts[axis] }
    }
    if x.count == 0, mode != .constant, shape.reduce(1, *) > 0 {
      throw OperatorError("pads-fit", "an empty tensor has no element to repeat")
    }
    let sources = x.shape.indices.map { axis in
      (0..<shape[axis]).map { source($0 - begins[axis], extent: x.shape[axis]) }
    }
    let value = try inputs.optionalTensor(2) ?? Tensor.zero(x.element)
    guard value.count > 0 else { throw OperatorError("one-element", "the pad value must be a scalar") }
    let rule = FilledSelection(Pad.offsets(sources, strides: x.shape.rowMajorStrides))
    return [.tensor(Tensor(x.element, shape, try x.elements.merged(value.elements, rule)))]
  }

  /// Where position `index` (counted from the old first element) comes from; −1 for the pad value.
  private func source(_ index: Int, extent: Int) -> Int {
    if index >= 0, index < extent { return index }
    switch mode {
    case .constant: return -1
    case .edge: return min(max(index, 0), extent - 1)
    case .wrap: return extent == 0 ? -1 : index - index.flooredQuotient(extent) * extent
    case .reflect:
      guard extent > 1 else { return 0 }
      let period = 2 * (extent - 1)
      let phase = index - index.flooredQuotient(period) * period
      return phase < extent ? phase : period - phase
    }
  }

  /// Offsets of all combinations of per-axis positions in row-major order; negative as soon as one position is.
  package static func offsets(_ positions: [[Int]], strides: [Int]) -> [Int] {
    var result = [0]
    for (axis, candidates) in positions.enumerated() {
      var next: [Int] = []
      next.reserveCapacity(result.count * candidates.count)
      for base in result {
        for position in candidates { next.append(base < 0 || position < 0 ? -1 : base + position * strides[axis]) }
      }
      result = next
    }
    return result
  }

  package static var onnxNames: [ONNXName] { ["Pad"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Pad {
    // Before opset 11 counts ("paddings" in the first one) and value were attributes.
    for name in ["paddings", "pads"] {
      if let pads = try node.integers(name) { node.setInput(1, integers: pads) }
    }
    if let value = try node.float("value") {
      node.setInput(2, Tensor(node.inputTypes.first??.elementType ?? .float32, [], rounding: [Double(value)]))
    }
    let name = try node.string("mode") ?? "constant"
    guard let mode = Mode(rawValue: name) else { throw OperatorError("pad-mode", "unknown pad mode '\(name)'") }
    return Pad(mode)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Pad", [("mode", .string(mode.rawValue))]) }
}
