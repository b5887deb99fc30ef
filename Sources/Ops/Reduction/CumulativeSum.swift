package import IR

/// Running sums along one axis. Inputs: x, axis (a scalar). Output: like x.
package struct CumulativeSum: ONNXOperator {
  package static let name = "cumulative-sum"

  /// The element itself is not part of its sum.
  package var isExclusive: Bool
  /// From the end of the axis.
  package var isReversed: Bool

  package init(isExclusive: Bool = false, isReversed: Bool = false) {
    self.isExclusive = isExclusive
    self.isReversed = isReversed
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    _ = try context.tensor(1)
    if let axis = context.knownIntegers(1)?.first { _ = try resolveAxis(axis, rank: x.rank) }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let known = operands.contents.count > 1 ? operands.contents[1]?.first?.constant : nil
    let columns = try known.map { axis throws(OperatorError) in shape[try resolveAxis(axis, rank: shape.count)] } ?? shape.last ?? 1
    return .reduction(
      Reduction(
        kind: .scan, rows: shape.reduce(1, *) / max(1, columns), columns: columns, inputs: [try operands.input(0)],
        outputs: [try operands.output()], costPerElement: ArithmeticCost(simple: 1)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    guard let axis = try inputs.tensor(1).integers().first else { throw OperatorError("axis-range", "the axis is missing") }
    let split = AxisSplit(tensor.shape, axis: try resolveAxis(Int(axis), rank: tensor.rank))
    if tensor.element.isInteger {
      var x = try tensor.integers()
      scan(&x, split) { $0 &+ $1 }
      return [.tensor(Tensor(tensor.element, tensor.shape, wrapping: x))]
    }
    var x = try tensor.doubles()
    scan(&x, split, +)
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x))]
  }

  private func scan<Element: Numeric>(_ x: inout [Element], _ split: AxisSplit, _ add: (Element, Element) -> Element) {
    split.forEachLine { start in
      var sum = Element.zero
      for step in 0..<split.extent {
        let index = start + (isReversed ? split.extent - 1 - step : step) * split.inner
        let next = add(sum, x[index])
        x[index] = isExclusive ? sum : next
        sum = next
      }
    }
  }

  package static var onnxNames: [ONNXName] { ["CumSum"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> CumulativeSum {
    CumulativeSum(
      isExclusive: try node.integer("exclusive") ?? 0 != 0, isReversed: try node.integer("reverse") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("CumSum", [("exclusive", .integer(isExclusive ? 1 : 0)), ("reverse", .integer(isReversed ? 1 : 0))])
  }
}
