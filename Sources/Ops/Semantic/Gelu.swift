package import IR
internal import Foundation

/// Gaussian error linear unit: x·Φ(x), exactly by erf or approximately by tanh or the logistic function.
///
/// Inputs: x, optional bias [last axis] added first. Output: like x.
package struct Gelu: ONNXOperator {
  package static let name = "gelu"

  package enum Form: String, Codable, Sendable, Hashable, CaseIterable {
    /// x/2·(1 + erf(x/√2))
    case erf
    /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
    case tanh
    /// x·σ(α·x), α = 1.702
    case logistic
  }

  package var form: Form
  /// Factor inside the logistic form.
  package var alpha: Float

  package init(_ form: Form = .erf, alpha: Float = 1.702) {
    self.form = form
    self.alpha = alpha
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    if let bias = try context.optionalTensor(1), try Broadcast.shape([x.shape, bias.shape]).count != x.rank {
      throw OperatorError("bias-broadcast", "the bias \(bias.shape.text) does not broadcast to \(x.shape.text)")
    }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let cost = form.cost
    let bias = operands.inputs.count > 1 && operands.inputs[1] != nil ? 1 : 0
    return try operands.pointwise(form == .erf ? "gelu" : "gelu-\(form.rawValue)", simple: cost.simple + bias, special: cost.special)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    if let kernels = context.kernels, form != .logistic, tensor.element == .float32 {
      let sum = try inputs.optionalTensor(1).map { (bias) throws(OperatorError) in try BinaryElementwise.Function.add.apply(tensor, bias) }
      if case .float32(let x) = (sum ?? tensor).elements {
        return [.tensor(Tensor(.float32, tensor.shape, .float32(kernels.apply(form == .erf ? .gelu : .geluTanh, x))))]
      }
    }
    let x = try tensor.doubles().shifted(by: try inputs.optionalTensor(1), shape: tensor.shape)
    let factor = Double(alpha)
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x.map { form.apply($0, alpha: factor) }))]
  }

  private static let microsoft = "com.microsoft"

  package static var onnxNames: [ONNXName] {
    ["Gelu"] + ["Gelu", "BiasGelu", "FastGelu", "QuickGelu"].map { ONNXName(domain: microsoft, $0) }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Gelu {
    switch node.name.type {
    case "FastGelu": return Gelu(.tanh)
    case "QuickGelu": return Gelu(.logistic, alpha: try node.float("alpha") ?? 1.702)
    case "BiasGelu": return Gelu(.erf)
    default: break
    }
    switch try node.string("approximate") ?? "none" {
    case "none": return Gelu(.erf)
    case "tanh": return Gelu(.tanh)
    case let other: throw OperatorError("gelu-form", "unknown approximation '\(other)'")
    }
  }

  /// Only FastGelu takes the optional bias as well: the other forms are written as a sum and the function.
  package func exportONNX() -> ONNXSpelling {
    switch form {
    case .erf: ONNXSpelling("Gelu", [("approximate", .string("none"))])
    case .tanh: ONNXSpelling(ONNXName(domain: Self.microsoft, "FastGelu"))
    case .logistic: ONNXSpelling(ONNXName(domain: Self.microsoft, "QuickGelu"), [("alpha", .float(alpha))])
    }
  }
}

extension Gelu: ONNXDecomposable {
  package var isAbsentFromONNX: Bool { false }

  package func needsONNXBody(presentInputs: [Bool]) -> Bool {
    form != .tanh && presentInputs.count > 1 && presentInputs[1]
  }

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder("bias-gelu", context)
    guard body.inputs.count == 2 else { throw OperatorError("bias-expected", "only a GELU with a bias is written as a body") }
    let sum = try body.add(BinaryElementwise(.add), [body.inputs[0], body.inputs[1]], "biased")
    return body.finish(try body.add(self, [sum], "gelu"))
  }
}

extension Gelu.Form {
  var cost: ArithmeticCost {
    switch self {
    case .erf: ArithmeticCost(simple: 4, special: 1)
    case .tanh: ArithmeticCost(simple: 8, special: 1)
    case .logistic: ArithmeticCost(simple: 3, special: 2)
    }
  }

  func apply(_ x: Double, alpha: Double) -> Double {
    switch self {
    case .erf: x / 2 * (1 + Foundation.erf(x / 2.0.squareRoot()))
    case .tanh: x / 2 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .logistic: x / (1 + Foundation.exp(-alpha * x))
    }
  }
}
