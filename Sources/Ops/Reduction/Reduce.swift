package import IR
internal import Foundation

/// Many elements into one, over the axes of the second input (all axes when it is absent). One table row per function.
///
/// Inputs: x, optional axes [r]. Output: x with the axes dropped, or kept with extent 1.
package struct Reduce: ONNXOperator {
  package static let name = "reduce"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case sum = "Sum"
    case mean = "Mean"
    case maximum = "Max"
    case minimum = "Min"
    case product = "Prod"
    case l1 = "L1"
    case l2 = "L2"
    case logSum = "LogSum"
    case logSumExp = "LogSumExp"
    case sumSquare = "SumSquare"
  }

  package var function: Function
  package var keepsAxes: Bool
  /// An absent or empty list of axes reduces nothing.
  package var reducesNothingByDefault: Bool

  package init(_ function: Function, keepsAxes: Bool = true, reducesNothingByDefault: Bool = false) {
    self.function = function
    self.keepsAxes = keepsAxes
    self.reducesNothingByDefault = reducesNothingByDefault
  }

  /// The reduced axes, or nil when only the data can tell.
  private func axes(_ given: [Int]?, isPresent: Bool, rank: Int) throws(OperatorError) -> [Int]? {
    if isPresent, given == nil { return nil }
    guard let given, !given.isEmpty else { return reducesNothingByDefault ? [] : Array(0..<rank) }
    return try resolveAxes(given, rank: rank)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    if let axes = try axes(context.knownIntegers(1), isPresent: context.hasInput(1), rank: x.rank) {
      let shape = x.shape.indices.compactMap { axes.contains($0) ? (keepsAxes ? 1 : nil) : x.shape[$0] }
      return [.tensor(TensorType(x.element, shape))]
    }
    let named = try context.tensor(1).shape.first?.constant
    if named == 0 { return [.tensor(TensorType(x.element, reducesNothingByDefault ? x.shape : keepsAxes ? x.shape.map { _ in 1 } : []))] }
    let rank = keepsAxes ? x.rank : named.map { x.rank - $0 }
    guard let rank, rank >= 0 else { return [.unranked(x.element)] }
    return [.tensor(TensorType(x.element, (0..<rank).map { context.freshDimension("axis\($0)") }))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let rows = try operands.output().count
    let cost = function.cost
    return .reduction(
      Reduction(
        kind: function.kind, rows: rows, columns: try operands.input(0).count / max(1, rows), inputs: [try operands.input(0)],
        outputs: [try operands.output()], costPerElement: cost))
  }

  /// Axes that stay; an axis that is reduced cannot lose positions without changing the result.
  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let x = operands.shape(.input(0)), operands.shape(.output(0)) != nil else { return [] }
    let given = operands.contents.count > 1 ? operands.contents[1]?.compactMap(\.constant) : nil
    guard let reduced = try? axes(given, isPresent: operands.inputs.count > 1 && operands.inputs[1] != nil, rank: x.count) else {
      return []
    }
    let stay = x.indices.filter { !reduced.contains($0) }
    return stay.enumerated().map { place, axis in
      AxisTie(count: x[axis], [AxisMap(.input(0), axis), AxisMap(.output(0), keepsAxes ? axis : place)])
    }
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let given = try inputs.optionalTensor(1)?.integers().map { Int($0) }
    let axes = try axes(given, isPresent: given != nil, rank: tensor.rank) ?? []
    let reduced = ReducedShape(tensor.shape, axes: axes)
    let shape = keepsAxes ? reduced.kept : reduced.dropped
    if tensor.element.isInteger, function.isExactOnIntegers {
      var sums = [Int64](repeating: function.start(tensor.element), count: reduced.count)
      let x = try tensor.integers()
      reduced.forEach { element, row in sums[row] = function.accumulate(sums[row], x[element]) }
      return [.tensor(Tensor(tensor.element, shape, wrapping: sums))]
    }
    let result = function.reduce(try tensor.doubles(), reduced)
    if tensor.element.isFloat || tensor.element == .bool { return [.tensor(Tensor(tensor.element, shape, rounding: result))] }
    return [.tensor(Tensor(tensor.element, shape, saturating: result.map(\.clampedInt64)))]
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName("Reduce" + $0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Reduce {
    guard let function = Function(rawValue: String(node.name.type.dropFirst("Reduce".count))) else {
      throw OperatorError("unknown-function", "no reduction \(node.name.type)")
    }
    if let axes = try node.integers("axes") { node.setInput(1, integers: axes) }
    return Reduce(
      function, keepsAxes: try node.integer("keepdims") ?? 1 != 0,
      reducesNothingByDefault: try node.integer("noop_with_empty_axes") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName("Reduce" + function.rawValue),
      [("keepdims", .integer(keepsAxes ? 1 : 0)), ("noop_with_empty_axes", .integer(reducesNothingByDefault ? 1 : 0))])
  }
}

extension Reduce.Function {
  var kind: Reduction.Kind {
    switch self {
    case .sum, .l1, .l2, .logSum, .logSumExp, .sumSquare: .sum
    case .mean: .mean
    case .maximum: .maximum
    case .minimum: .minimum
    case .product: .product
    }
  }

  /// Arithmetic per reduced element; roots and logarithms of the result are not counted.
  var cost: ArithmeticCost {
    switch self {
    case .sum, .mean, .maximum, .minimum, .product, .logSum: ArithmeticCost(simple: 1)
    case .l1, .l2, .sumSquare: ArithmeticCost(simple: 2)
    case .logSumExp: ArithmeticCost(simple: 3, special: 1)
    }
  }

  var isExactOnIntegers: Bool {
    switch self {
    case .sum, .maximum, .minimum, .product, .l1, .sumSquare: true
    case .mean, .l2, .logSum, .logSumExp: false
    }
  }

  /// The value of an empty integer reduction.
  func start(_ element: ElementType) -> Int64 {
    let range = NumberFormat.integerRange(of: element)
    return switch self {
    case .maximum: range?.lowerBound ?? .min
    case .minimum: range?.upperBound ?? .max
    case .product: 1
    case .sum, .mean, .l1, .l2, .logSum, .logSumExp, .sumSquare: 0
    }
  }

  func accumulate(_ sum: Int64, _ x: Int64) -> Int64 {
    switch self {
    case .maximum: Swift.max(sum, x)
    case .minimum: Swift.min(sum, x)
    case .product: sum &* x
    case .l1: sum &+ (x < 0 ? 0 &- x : x)
    case .l2, .sumSquare: sum &+ x &* x
    case .sum, .mean, .logSum, .logSumExp: sum &+ x
    }
  }

  func reduce(_ x: [Double], _ shape: ReducedShape) -> [Double] {
    var y = [Double](repeating: self == .maximum ? -.infinity : self == .minimum ? .infinity : self == .product ? 1 : 0, count: shape.count)
    switch self {
    case .sum, .mean, .logSum: shape.forEach { y[$1] += x[$0] }
    case .maximum: shape.forEach { if !(x[$0] <= y[$1]) { y[$1] = x[$0] } }
    case .minimum: shape.forEach { if !(x[$0] >= y[$1]) { y[$1] = x[$0] } }
    case .product: shape.forEach { y[$1] *= x[$0] }
    case .l1: shape.forEach { y[$1] += x[$0].magnitude }
    case .l2, .sumSquare: shape.forEach { y[$1] += x[$0] * x[$0] }
    case .logSumExp:
      var largest = [Double](repeating: -.infinity, count: shape.count)
      shape.forEach { largest[$1] = Swift.max(largest[$1], x[$0]) }
      // Infinite rows are shifted by nothing: ∞ − ∞ is not a number.
      largest = largest.map { $0.isFinite ? $0 : 0 }
      shape.forEach { y[$1] += Foundation.exp(x[$0] - largest[$1]) }
      return zip(y, largest).map { Foundation.log($0) + $1 }
    }
    switch self {
    case .mean: return y.map { $0 / Double(shape.columns) }
    case .l2: return y.map { $0.squareRoot() }
    case .logSum: return y.map(Foundation.log)
    case .sum, .maximum, .minimum, .product, .l1, .sumSquare, .logSumExp: return y
    }
  }
}
