package import IR

/// Sum, mean, maximum or minimum of any number of broadcast tensors of one element type.
package struct VariadicElementwise: ONNXOperator {
  package static let name = "variadic"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable { case sum, mean, max, min }

  package var function: Function

  package init(_ function: Function) { self.function = function }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    for index in context.inputs.indices where try context.element(index) != element {
      throw OperatorError("element-types-match", "\(function.rawValue) of tensors of different element types")
    }
    return [try context.broadcastType(element, of: 0..<context.inputs.count)]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard var result = context.known(0), !context.inputs.contains(where: { ($0?.tensor?.rank ?? 2) > 1 }) else {
      return []
    }
    for index in context.inputs.indices.dropFirst() {
      guard let next = context.known(index), next.count == result.count, function != .mean else { return [] }
      result = zip(result, next).map { a, b in
        switch function {
        case .sum, .mean: a + b
        case .max: .maximum(a, b)
        case .min: .minimum(a, b)
        }
      }
    }
    return [result]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise(function.rawValue, simple: max(operands.inputs.count - 1, 1) + (function == .mean ? 1 : 0))
  }

  package var storedForm: StoredForm? { .rescaled }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var result = try inputs.tensor(0)
    for index in inputs.indices.dropFirst() { result = try combine(result, try inputs.tensor(index)) }
    if function == .mean {
      let share = 1 / Double(inputs.count)
      result = Tensor(result.element, result.shape, rounding: try result.doubles().map { $0 * share })
    }
    return [.tensor(result)]
  }

  private func combine(_ a: Tensor, _ b: Tensor) throws(OperatorError) -> Tensor {
    guard a.element == b.element else {
      throw OperatorError("element-types-match", "\(function.rawValue) of tensors of different element types")
    }
    if function == .sum || function == .mean { return try BinaryElementwise.Function.add.apply(a, b) }
    let shape = try Broadcast.numbers([a.shape, b.shape])
    _ = try shape.evaluableCount()
    switch (a.elements, b.elements) {
    case (.float32(let x), .float32(let y)):
      return Tensor(a.element, shape, .float32(select(x, a.shape, y, b.shape, shape) { $0.isNaN }))
    case (.float64(let x), .float64(let y)):
      return Tensor(a.element, shape, .float64(select(x, a.shape, y, b.shape, shape) { $0.isNaN }))
    default: break
    }
    if a.element == .uint64 {
      let x = try a.integers().map { UInt64(bitPattern: $0) }
      let y = try b.integers().map { UInt64(bitPattern: $0) }
      let values = select(x, a.shape, y, b.shape, shape) { _ in false }
      return Tensor(.uint64, shape, .int64(values.map { Int64(bitPattern: $0) }))
    }
    return Tensor(
      a.element, shape, wrapping: select(try a.integers(), a.shape, try b.integers(), b.shape, shape) { _ in false })
  }

  /// NaN wins over every number.
  @inline(__always)
  private func select<T: Comparable>(
    _ x: [T], _ xShape: [Int], _ y: [T], _ yShape: [Int], _ target: [Int], _ isNaN: (T) -> Bool
  ) -> [T] {
    function == .max
      ? BroadcastPlan.map(x, xShape, y, yShape, to: target) { $0 >= $1 || isNaN($0) ? $0 : $1 }
      : BroadcastPlan.map(x, xShape, y, yShape, to: target) { $0 <= $1 || isNaN($0) ? $0 : $1 }
  }

  /// BiasAdd of ONNX Runtime is a sum of three broadcast tensors.
  private static let biasAdd = ONNXName(domain: "com.microsoft", "BiasAdd")

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName($0.onnxName) } + [biasAdd] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> VariadicElementwise {
    node.ignore("consumed_inputs")
    if node.name == biasAdd { return VariadicElementwise(.sum) }
    guard let function = Function.allCases.first(where: { $0.onnxName == node.name.type }) else {
      throw OperatorError("unknown-function", "no variadic function \(node.name.type)")
    }
    return VariadicElementwise(function)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(function.onnxName)) }
}

extension VariadicElementwise.Function {
  fileprivate var onnxName: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}
