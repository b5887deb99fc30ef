package import IR
internal import Foundation

/// y = f(x) for every element, without attributes. One table row per function.
package struct UnaryElementwise: ONNXOperator {
  package static let name = "unary"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case abs, acos, acosh, asin, asinh, atan, atanh, ceil, cos, cosh, erf, exp, floor, log, neg, reciprocal, relu, round
    case sigmoid, sign, sin, sinh, softplus, softsign, sqrt, tan, tanh, hardSwish = "hard-swish", silu, mish
  }

  package var function: Function

  package init(_ function: Function) { self.function = function }

  /// A case without payload is one byte, its place in the table.
  package var functionIndex: UInt8 { unsafeBitCast(function, to: UInt8.self) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sameShape(try context.element(0))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let cost = function.cost
    return try operands.pointwise(function.rawValue, simple: cost.simple, special: cost.special)
  }

  package var storedForm: StoredForm? {
    switch function {
    case .abs, .neg, .relu, .sign, .ceil, .floor, .round, .hardSwish: .rescaled
    case .sigmoid, .tanh: .table
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .cos, .cosh, .erf, .exp, .log, .reciprocal, .sin, .sinh, .softplus, .softsign, .sqrt,
      .tan, .silu, .mish:
      nil
    }
  }

  /// True for a bent function whose result takes a factor per channel in the same look-up; no factor passes through it.
  package var takesFactor: Bool { function == .hardSwish }

  package func inputRange(_ scalar: (Int) -> Double?) -> ClosedRange<Double>? {
    switch function {
    case .relu: 0...(.infinity)
    // x·clip(x + 3, 0, 6)/6 is 0 up to −3.
    case .hardSwish: -3...(.infinity)
    default: nil
    }
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    if x.element.isInteger, function == .abs || function == .neg || function == .sign || function == .relu {
      let values = try x.integers().map { value -> Int64 in
        switch function {
        case .abs: value < 0 ? 0 &- value : value
        case .neg: 0 &- value
        case .sign: value.signum()
        default: max(value, 0)
        }
      }
      return [.tensor(Tensor(x.element, x.shape, wrapping: values))]
    }
    if x.element == .float32, let kernels = context.kernels, let vector = function.vector,
      case .float32(let values) = x.elements
    {
      return [.tensor(Tensor(.float32, x.shape, .float32(kernels.apply(vector, values))))]
    }
    if case .float32(let values) = x.elements {
      let y = function.apply(values)
      return [
        .tensor(
          Tensor(
            x.element, x.shape, .float32(x.element == .float32 ? y : y.map { NumberFormat.round($0, to: x.element) })))
      ]
    }
    return [.tensor(Tensor(x.element, x.shape, rounding: try x.doubles().map(function.apply)))]
  }

  package static var onnxNames: [ONNXName] { Function.allCases.compactMap(\.onnxName).map { ONNXName($0) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> UnaryElementwise {
    node.ignore("consumed_inputs")
    guard let function = Function.allCases.first(where: { $0.onnxName == node.name.type }) else {
      throw OperatorError("unknown-function", "no elementwise function \(node.name.type)")
    }
    return UnaryElementwise(function)
  }

  package func exportONNX() -> ONNXSpelling {
    // x·σ(α·x) with α = 1: the one function among these that ai.onnx 22 lacks.
    guard let name = function.onnxName else {
      return ONNXSpelling(ONNXName(domain: "com.microsoft", "QuickGelu"), [("alpha", .float(1))])
    }
    return ONNXSpelling(ONNXName(name))
  }
}

extension UnaryElementwise.Function {
  /// Nil for the function ai.onnx has no operator for.
  var onnxName: String? {
    switch self {
    case .hardSwish: "HardSwish"
    case .silu: nil
    default: rawValue.prefix(1).uppercased() + String(rawValue.dropFirst())
    }
  }

  /// Those an evaluator has a loop for.
  var vector: VectorFunction? {
    switch self {
    case .exp: .exp
    case .erf: .erf
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    case .silu: .silu
    default: nil
    }
  }

  /// Arithmetic per element.
  var cost: ArithmeticCost {
    switch self {
    case .abs, .neg, .relu, .ceil, .floor, .round, .sign: ArithmeticCost(simple: 1)
    case .sqrt, .reciprocal, .exp, .log, .sin, .cos, .tanh, .erf: ArithmeticCost(special: 1)
    case .hardSwish: ArithmeticCost(simple: 4)
    case .sigmoid, .softplus, .softsign: ArithmeticCost(simple: 2, special: 2)
    case .silu: ArithmeticCost(simple: 3, special: 2)
    case .mish: ArithmeticCost(simple: 3, special: 3)
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .cosh, .sinh, .tan: ArithmeticCost(simple: 2, special: 2)
    }
  }

  /// Single precision in one pass for what networks are made of; the rest by way of doubles.
  func apply(_ x: [Float]) -> [Float] {
    switch self {
    case .abs: x.map(\.magnitude)
    case .neg: x.map { -$0 }
    case .relu: x.map { $0 < 0 ? 0 : $0 }
    case .sqrt: x.map { $0.squareRoot() }
    case .reciprocal: x.map { 1 / $0 }
    case .exp: x.map { Foundation.exp($0) }
    case .log: x.map { Foundation.log($0) }
    case .erf: x.map { Foundation.erf($0) }
    case .tanh: x.map { Foundation.tanh($0) }
    case .sigmoid: x.map { 1 / (1 + Foundation.exp(-$0)) }
    case .silu: x.map { $0 / (1 + Foundation.exp(-$0)) }
    case .hardSwish: x.map { $0 * Swift.min(Swift.max($0 / 6 + 0.5, 0), 1) }
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .ceil, .cos, .cosh, .floor, .round, .sign, .sin, .sinh, .softplus,
      .softsign, .tan, .mish:
      x.map { Float(apply(Double($0))) }
    }
  }

  func apply(_ x: Double) -> Double {
    switch self {
    case .abs: x.magnitude
    case .acos: Foundation.acos(x)
    case .acosh: Foundation.acosh(x)
    case .asin: Foundation.asin(x)
    case .asinh: Foundation.asinh(x)
    case .atan: Foundation.atan(x)
    case .atanh: Foundation.atanh(x)
    case .ceil: x.rounded(.up)
    case .cos: Foundation.cos(x)
    case .cosh: Foundation.cosh(x)
    case .erf: Foundation.erf(x)
    case .exp: Foundation.exp(x)
    case .floor: x.rounded(.down)
    case .log: Foundation.log(x)
    case .neg: -x
    case .reciprocal: 1 / x
    case .relu: x.isNaN ? x : Swift.max(x, 0)
    case .round: x.rounded(.toNearestOrEven)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .sign: x.isNaN ? x : (x > 0 ? 1 : x < 0 ? -1 : 0)
    case .sin: Foundation.sin(x)
    case .sinh: Foundation.sinh(x)
    case .softplus: x > 30 ? x : Foundation.log1p(Foundation.exp(x))
    case .softsign: x / (1 + x.magnitude)
    case .sqrt: x.squareRoot()
    case .tan: Foundation.tan(x)
    case .tanh: Foundation.tanh(x)
    case .hardSwish: x * Swift.min(Swift.max(x / 6 + 0.5, 0), 1)
    case .silu: x / (1 + Foundation.exp(-x))
    case .mish: x * Foundation.tanh(x > 30 ? x : Foundation.log1p(Foundation.exp(x)))
    }
  }
}
