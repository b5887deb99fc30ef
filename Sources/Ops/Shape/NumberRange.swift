package import IR

/// start, start + delta, … as long as limit is not reached: max(⌈(limit − start) / delta⌉, 0) numbers.
///
/// Inputs: scalars start, limit, delta of one element type.
package struct NumberRange: ONNXOperator {
  package static let name = "range"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    return [.tensor(TensorType(element, [try length(context, element)]))]
  }

  private func length(_ context: InferenceContext, _ element: ElementType) throws(OperatorError) -> Dimension {
    if let start = context.known(0)?.first, let limit = context.known(1)?.first,
      let delta = context.knownIntegers(2)?.first,
      delta != 0, element.isInteger
    {
      let span = delta > 0 ? limit - start : start - limit
      let count = span.ceilingDivided(by: .constant(Int(clamping: delta.magnitude)))
      // A symbolic length is taken as it stands: a range over a dimension runs forwards.
      return count.constant.map { .constant(max($0, 0)) } ?? count
    }
    if let start = context.knownNumbers(0)?.first, let limit = context.knownNumbers(1)?.first,
      let delta = context.knownNumbers(2)?.first
    {
      return .constant(try NumberRange.count(start, limit, delta))
    }
    return context.freshDimension("length")
  }

  private static func count(_ start: Double, _ limit: Double, _ delta: Double) throws(OperatorError) -> Int {
    guard delta != 0, start.isFinite, limit.isFinite, delta.isFinite else {
      throw OperatorError("range-finite", "a range from \(start) to \(limit) by \(delta) has no end")
    }
    let steps = ((limit - start) / delta).rounded(.up)
    guard steps < 0x1p40 else { throw OperatorError("too-large", "a range of \(steps) elements is too large") }
    return max(Int(steps), 0)
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let start = context.knownIntegers(0)?.first, let limit = context.knownIntegers(1)?.first,
      let delta = context.knownIntegers(2)?.first, delta != 0
    else { return [] }
    let values = stride(from: start, to: limit, by: delta).prefix(65)
    let contents = values.map(Dimension.constant)
    return [contents.count <= 64 ? contents : nil]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let out = try operands.output()
    return .pointwise(
      Pointwise(
        function: "range", count: out.count, inputs: [], outputs: [out], costPerElement: ArithmeticCost(simple: 2)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (start, limit, delta) = (try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(2))
    guard let first = try start.doubles().first, let last = try limit.doubles().first,
      let step = try delta.doubles().first
    else {
      throw OperatorError("one-element", "start, limit and delta of a range must be scalars")
    }
    let count = try NumberRange.count(first, last, step)
    _ = try [count].evaluableCount()
    if start.element.isInteger {
      let (a, d) = (try start.integers()[0], try delta.integers()[0])
      return [.tensor(Tensor(start.element, [count], wrapping: (0..<count).map { a &+ Int64($0) &* d }))]
    }
    return [.tensor(Tensor(start.element, [count], rounding: (0..<count).map { first + Double($0) * step }))]
  }

  package static var onnxNames: [ONNXName] { ["Range"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> NumberRange {
    node.ignore("stash_type")
    return NumberRange()
  }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Range") }
}
