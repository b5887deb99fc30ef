package import IR
internal import Foundation

/// y = f(x) for every element, with up to two parameters. One table row per function.
package struct ParametricUnary: ONNXOperator {
  package static let name = "parametric-unary"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    /// x < 0 ? α·x : x
    case leakyRelu = "leaky-relu"
    /// x < 0 ? α·(eˣ − 1) : x
    case elu
    /// max(x, 0) + min(α·(e^{x/α} − 1), 0)
    case celu
    /// β·(x > 0 ? x : α·(eˣ − 1))
    case selu
    /// min(max(α·x + β, 0), 1)
    case hardSigmoid = "hard-sigmoid"
    /// x > α ? x : 0
    case thresholdedRelu = "thresholded-relu"
    /// x < −α ? x + β : x > α ? x − β : 0
    case shrink
  }

  package var function: Function
  package var alpha: Float
  package var beta: Float

  package init(_ function: Function, alpha: Float? = nil, beta: Float? = nil) {
    self.function = function
    self.alpha = alpha ?? function.defaults.alpha
    self.beta = beta ?? function.defaults.beta
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    [try context.sameShape(try context.element(0))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let cost = function.cost
    return try operands.pointwise(function.rawValue, simple: cost.simple, special: cost.special)
  }

  package var storedForm: StoredForm? {
    switch function {
    case .leakyRelu, .hardSigmoid, .thresholdedRelu, .shrink: .rescaled
    case .elu, .celu, .selu: nil
    }
  }

  package func inputRange(_ scalar: (Int) -> Double?) -> ClosedRange<Double>? {
    guard function == .hardSigmoid, alpha > 0 else { return nil }
    return Double(-beta / alpha)...Double((1 - beta) / alpha)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    if case .float32(let values) = x.elements, x.element == .float32, function == .leakyRelu || function == .hardSigmoid {
      let (a, b) = (alpha, beta)
      let result =
        function == .leakyRelu ? values.map { $0 < 0 ? a * $0 : $0 } : values.map { min(max(a * $0 + b, 0), 1) }
      return [.tensor(Tensor(x.shape, floats: result))]
    }
    let (a, b) = (Double(alpha), Double(beta))
    let values = try x.doubles().map { function.apply($0, a, b) }
    return [.tensor(Tensor(x.element, x.shape, truncating: values))]
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName($0.onnxName) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ParametricUnary {
    node.ignore("consumed_inputs")
    guard let function = Function.allCases.first(where: { $0.onnxName == node.name.type }) else {
      throw OperatorError("unknown-function", "no elementwise function \(node.name.type)")
    }
    var (alpha, beta) = function.defaults
    // Selu's alpha had fewer digits before opset 6.
    if function == .selu, node.opset < 6 { (alpha, beta) = (1.6732, 1.0507) }
    if let name = function.parameters.alpha { alpha = try node.float(name) ?? alpha }
    if let name = function.parameters.beta { beta = try node.float(name) ?? beta }
    return ParametricUnary(function, alpha: alpha, beta: beta)
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = []
    if let name = function.parameters.alpha { attributes.append((name, .float(alpha))) }
    if let name = function.parameters.beta { attributes.append((name, .float(beta))) }
    return ONNXSpelling(ONNXName(function.onnxName), attributes)
  }
}

extension ParametricUnary.Function {
  fileprivate var onnxName: String {
    switch self {
    case .leakyRelu: "LeakyRelu"
    case .elu: "Elu"
    case .celu: "Celu"
    case .selu: "Selu"
    case .hardSigmoid: "HardSigmoid"
    case .thresholdedRelu: "ThresholdedRelu"
    case .shrink: "Shrink"
    }
  }

  /// ONNX names of the parameters this function has.
  fileprivate var parameters: (alpha: String?, beta: String?) {
    switch self {
    case .leakyRelu, .elu, .celu, .thresholdedRelu: ("alpha", nil)
    case .selu: ("alpha", "gamma")
    case .hardSigmoid: ("alpha", "beta")
    case .shrink: ("lambd", "bias")
    }
  }

  /// Defaults of the ONNX operator.
  fileprivate var defaults: (alpha: Float, beta: Float) {
    switch self {
    case .leakyRelu: (0.01, 0)
    case .elu, .celu, .thresholdedRelu: (1, 0)
    case .selu: (1.67326319217681884765625, 1.05070102214813232421875)
    case .hardSigmoid: (0.2, 0.5)
    case .shrink: (0.5, 0)
    }
  }

  /// Arithmetic per element.
  fileprivate var cost: ArithmeticCost {
    switch self {
    case .leakyRelu, .thresholdedRelu: ArithmeticCost(simple: 2)
    case .elu: ArithmeticCost(simple: 3, special: 1)
    case .celu: ArithmeticCost(simple: 5, special: 1)
    case .selu: ArithmeticCost(simple: 4, special: 1)
    case .hardSigmoid, .shrink: ArithmeticCost(simple: 4)
    }
  }

  fileprivate func apply(_ x: Double, _ a: Double, _ b: Double) -> Double {
    switch self {
    case .leakyRelu: x < 0 ? a * x : x
    case .elu: x < 0 ? a * expm1(x) : x
    case .celu: max(x, 0) + min(a * expm1(x / a), 0)
    case .selu: b * (x > 0 ? x : a * expm1(x))
    case .hardSigmoid: min(max(a * x + b, 0), 1)
    case .thresholdedRelu: x > a ? x : 0
    case .shrink: x < -a ? x + b : x > a ? x - b : 0
    }
  }
}
