package import IR

/// Every `step`-th element of a range per axis, with the clamping rules of NumPy.
///
/// Inputs: x, starts, ends, optional axes (default: the first ones), optional steps (default: 1; negative runs backwards).
package struct Slice: ONNXOperator {
  package static let name = "slice"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if case .unranked? = context.type(0) { return [.unranked(try context.element(0))] }
    let x = try context.tensor(0)
    guard let axes = try axes(context, rank: x.rank) else {
      return [.tensor(TensorType(x.element, x.shape.indices.map { context.freshDimension("axis\($0)") }))]
    }
    let starts = context.known(1)
    let ends = context.known(2)
    let steps = context.hasInput(4) ? context.knownIntegers(4) : Array(repeating: 1, count: axes.count)
    var shape = x.shape
    for (index, axis) in axes.enumerated() {
      var extent: Dimension?
      if let starts, let ends, let steps {
        guard index < starts.count, index < ends.count, index < steps.count, steps[index] != 0 else {
          throw OperatorError("slice-ranges", "starts, ends, axes and steps must have one length, and no step may be 0")
        }
        extent = SliceRange.extent(of: shape[axis], from: starts[index], to: ends[index], step: steps[index])
      }
      shape[axis] = extent ?? context.freshDimension("axis\(axis)")
    }
    return [.tensor(TensorType(x.element, shape))]
  }

  /// Nil when the axes are not known.
  private func axes(_ context: InferenceContext, rank: Int) throws(OperatorError) -> [Int]? {
    if context.hasInput(3) { return try context.axes(3, rank: rank) }
    guard let count = context.known(1)?.count ?? context.type(1)?.tensor?.shape.first?.constant else { return nil }
    guard count <= rank else { throw OperatorError("slice-ranges", "\(count) ranges for \(rank) axes") }
    return Array(0..<count)
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let known = context.known(0), context.type(0)?.tensor?.rank == 1, let start = context.knownIntegers(1)?.first,
      let end = context.knownIntegers(2)?.first
    else { return [] }
    let step = context.hasInput(4) ? context.knownIntegers(4)?.first : 1
    guard let step, step != 0 else { return [] }
    let range = SliceRange(extent: known.count, from: start, to: end, step: step)
    return [(0..<range.count).map { known[range.start + $0 * step] }]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (x, y) = (try operands.input(0), try operands.output())
    let hasSteps = operands.inputs.count > 4 && operands.inputs[4] != nil
    let isPlain = !hasSteps || (operands.contents.count > 4 && operands.contents[4]?.allSatisfy { $0.constant == 1 } == true)
    return .movement(
      Movement(
        kind: isPlain && x.count == y.count ? .view : .slice, inputs: [x], outputs: [y], elementsRead: y.count, isStrided: !isPlain))
  }

  /// Axes that stay whole.
  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.untouchedTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let (starts, ends) = (try inputs.integers(1), try inputs.integers(2))
    let axes = try inputs.optionalIntegers(3) ?? Array(starts.indices)
    let steps = try inputs.optionalIntegers(4) ?? Array(repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count, !steps.contains(0) else {
      throw OperatorError("slice-ranges", "starts, ends, axes and steps must have one length, and no step may be 0")
    }
    var shape = x.shape
    var strides = x.shape.rowMajorStrides
    var offset = 0
    for index in starts.indices {
      let axis = try resolveAxis(axes[index], rank: x.rank)
      let range = SliceRange(extent: x.shape[axis], from: starts[index], to: ends[index], step: steps[index])
      offset += range.start * strides[axis]
      shape[axis] = range.count
      strides[axis] = range.count > 1 ? strides[axis] * steps[index] : strides[axis]
    }
    return [.tensor(x.rearranged(shape, StridedView(shape: shape, strides: strides, offset: offset)))]
  }

  package static var onnxNames: [ONNXName] { ["Slice"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Slice {
    // Before opset 10 the ranges were attributes.
    if let starts = try node.integers("starts") { node.setInput(1, integers: starts) }
    if let ends = try node.integers("ends") { node.setInput(2, integers: ends) }
    if let axes = try node.integers("axes") { node.setInput(3, integers: axes) }
    return Slice()
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Slice") }
}

/// The elements of one axis that a slice takes.
private struct SliceRange {
  let start: Int
  let count: Int

  init(extent: Int, from: Int, to: Int, step: Int) {
    let last = step > 0 ? extent : extent - 1
    let first = step > 0 ? 0 : -1
    func clamped(_ position: Int) -> Int { min(max(position < 0 ? position + extent : position, first), last) }
    let (begin, end) = (clamped(from), clamped(to))
    let span = step > 0 ? end - begin : begin - end
    count = max(0, span == 0 ? 0 : (span - 1) / Int(clamping: step.magnitude) + (span > 0 ? 1 : 0))
    start = count == 0 ? 0 : begin
  }

  /// Beyond every named extent: exporters write "to the end" as 10⁹, 2³¹ − 1 or 2⁶³ − 1.
  private static let far: UInt = 1 << 29

  /// Elements taken of a possibly symbolic extent; nil where the algebra cannot tell.
  ///
  /// A named extent is taken to be at least 1, so that `x[:1]` and `x[:-1]` stay simple.
  static func extent(of extent: Dimension, from: Dimension, to: Dimension, step: Int) -> Dimension? {
    if let number = extent.constant, let from = from.constant, let to = to.constant {
      return .constant(SliceRange(extent: number, from: from, to: to, step: step).count)
    }
    if step < 0 {
      guard let from = from.constant, let to = to.constant, from == -1 || from >= Int(far), to <= -Int(far)
      else { return nil }
      return extent.ceilingDivided(by: .constant(Int(clamping: step.magnitude)))
    }
    let (begin, end) = (position(from, in: extent), position(to, in: extent))
    if begin == end { return 0 }
    let span = end - begin
    if let number = span.constant { return .constant(max(number, 0).ceilingQuotient(step)) }
    return span.ceilingDivided(by: .constant(step))
  }

  private static func position(_ position: Dimension, in extent: Dimension) -> Dimension {
    guard let number = position.constant else {
      if position == extent { return extent }
      let isNegative = position.expression.terms.allSatisfy { $0.coefficient < 0 }
      return isNegative ? .maximum(extent + position, 0) : .minimum(position, extent)
    }
    if number == 0 { return 0 }
    if extent.constant == nil, number.magnitude >= far { return number > 0 ? extent : 0 }
    if let known = extent.constant { return .constant(min(max(number < 0 ? number + known : number, 0), known)) }
    if number > 0 { return number == 1 ? 1 : .minimum(position, extent) }
    return number == -1 ? extent - 1 : .maximum(extent + position, 0)
  }
}
