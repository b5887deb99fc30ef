package import IR

/// Whether each number is NaN, or an infinity of the chosen signs.
package struct ClassifyNumber: ONNXOperator {
  package static let name = "classify-number"

  package enum Property: String, Codable, Sendable, Hashable, CaseIterable {
    case isNaN = "is-nan"
    case isInfinite = "is-infinite"
    case isPositiveInfinite = "is-positive-infinite"
    case isNegativeInfinite = "is-negative-infinite"
    /// Infinity of no sign: never true.
    case never
  }

  package var property: Property

  package init(_ property: Property) { self.property = property }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sameShape(.bool)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise(property.rawValue, simple: 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let values = try x.doubles().map { value in
      switch property {
      case .isNaN: value.isNaN
      case .isInfinite: value.isInfinite
      case .isPositiveInfinite: value == .infinity
      case .isNegativeInfinite: value == -.infinity
      case .never: false
      }
    }
    return [.tensor(Tensor(.bool, x.shape, .bool(values)))]
  }

  package static var onnxNames: [ONNXName] { ["IsNaN", "IsInf"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ClassifyNumber {
    guard node.name.type == "IsInf" else { return ClassifyNumber(.isNaN) }
    switch (try node.integer("detect_positive") ?? 1 != 0, try node.integer("detect_negative") ?? 1 != 0) {
    case (true, true): return ClassifyNumber(.isInfinite)
    case (true, false): return ClassifyNumber(.isPositiveInfinite)
    case (false, true): return ClassifyNumber(.isNegativeInfinite)
    case (false, false): return ClassifyNumber(.never)
    }
  }

  package func exportONNX() -> ONNXSpelling {
    if property == .isNaN { return ONNXSpelling("IsNaN") }
    let positive = property == .isInfinite || property == .isPositiveInfinite
    let negative = property == .isInfinite || property == .isNegativeInfinite
    return ONNXSpelling(
      "IsInf", [("detect_negative", .integer(negative ? 1 : 0)), ("detect_positive", .integer(positive ? 1 : 0))])
  }
}
