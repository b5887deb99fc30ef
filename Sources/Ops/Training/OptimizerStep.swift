package import IR
internal import Foundation

/// One update of parameters by a first-order optimiser. One table row per rule.
///
/// Inputs: learning rate, step number, then all parameters, all gradients, and all states (one or two per parameter).
/// Outputs: all new parameters, then all new states.
package struct OptimizerStep: ONNXOperator {
  package static let name = "optimizer-step"

  package enum Rule: String, Codable, Sendable, Hashable, CaseIterable {
    case adagrad = "Adagrad"
    case adam = "Adam"
    case momentum = "Momentum"
  }

  package var rule: Rule
  package var alpha: Float
  package var beta: Float
  package var epsilon: Float
  package var decay: Float
  /// L2 regularisation added to the gradient.
  package var regularization: Float
  /// Shrinkage of the updated parameter.
  package var regularizationAfter: Float
  package var isNesterov: Bool

  private var states: Int { rule == .adam ? 2 : 1 }

  private func parameters(_ inputs: Int) throws(OperatorError) -> Int {
    let count = (inputs - 2) / (2 + states)
    guard inputs > 2, count * (2 + states) == inputs - 2 else {
      throw OperatorError("input-count", "\(inputs) inputs do not make whole sets of parameter, gradient and states")
    }
    return count
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let count = try parameters(context.inputs.count)
    var types: [ValueType] = []
    for index in 0..<count { types.append(.tensor(try context.tensor(2 + index))) }
    for index in 0..<(count * states) { types.append(.tensor(try context.tensor(2 + 2 * count + index))) }
    return types
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let outputs = try operands.allOutputs()
    let cost = rule == .momentum ? ArithmeticCost(simple: 6) : ArithmeticCost(simple: 10, special: 2)
    let count = outputs.reduce(0) { $0 + $1.count } / (1 + states)
    return .pointwise(
      Pointwise(
        function: rule.rawValue.lowercased(), count: count, inputs: try operands.presentInputs(), outputs: outputs,
        costPerElement: cost))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    guard let rate = try inputs.tensor(0).doubles().first, let step = try inputs.tensor(1).doubles().first else {
      throw OperatorError("missing-input", "learning rate and step number must not be empty")
    }
    let count = try parameters(inputs.count)
    var updated: [Datum] = []
    var newStates = [[Datum]](repeating: [], count: states)
    for index in 0..<count {
      let tensor = try inputs.tensor(2 + index)
      var x = try tensor.doubles()
      let gradient = try inputs.tensor(2 + count + index).doubles()
      var lists: [[Double]] = []
      for state in 0..<states { lists.append(try inputs.tensor(2 + (2 + state) * count + index).doubles()) }
      guard gradient.count == x.count, lists.allSatisfy({ $0.count == x.count }) else {
        throw OperatorError("shapes-match", "parameter, gradient and states differ in shape")
      }
      for element in x.indices {
        var state = (lists[0][element], states > 1 ? lists[1][element] : 0)
        x[element] = update(x[element], gradient[element] + Double(regularization) * x[element], &state, rate: rate, step: step)
        lists[0][element] = state.0
        if states > 1 { lists[1][element] = state.1 }
      }
      updated.append(.tensor(Tensor(tensor.element, tensor.shape, rounding: x)))
      for state in 0..<states { newStates[state].append(.tensor(Tensor(tensor.element, tensor.shape, rounding: lists[state]))) }
    }
    return updated + newStates.flatMap { $0 }
  }

  private func update(_ x: Double, _ gradient: Double, _ state: inout (Double, Double), rate: Double, step: Double) -> Double {
    let (alpha, beta, epsilon) = (Double(alpha), Double(beta), Double(epsilon))
    switch rule {
    case .adagrad:
      state.0 += gradient * gradient
      return x - rate / (1 + step * Double(decay)) * gradient / (state.0.squareRoot() + epsilon)
    case .adam:
      state.0 = alpha * state.0 + (1 - alpha) * gradient
      state.1 = beta * state.1 + (1 - beta) * gradient * gradient
      let adjusted = step > 0 ? rate * (1 - Foundation.pow(beta, step)).squareRoot() / (1 - Foundation.pow(alpha, step)) : rate
      return (1 - Double(regularizationAfter)) * (x - adjusted * state.0 / (state.1.squareRoot() + epsilon))
    case .momentum:
      state.0 = alpha * state.0 + (step > 0 ? beta : 1) * gradient
      return x - rate * (isNesterov ? gradient + alpha * state.0 : state.0)
    }
  }

  private static let domain = "ai.onnx.preview.training"

  package static var onnxNames: [ONNXName] { Rule.allCases.map { ONNXName(domain: domain, $0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OptimizerStep {
    guard let rule = Rule(rawValue: node.name.type) else { throw OperatorError("unknown-function", "no optimiser \(node.name.type)") }
    return OptimizerStep(
      rule: rule, alpha: try node.float("alpha") ?? 0.9, beta: try node.float("beta") ?? 0.999,
      epsilon: try node.float("epsilon") ?? 1e-6, decay: try node.float("decay_factor") ?? 0,
      regularization: try node.float("norm_coefficient") ?? 0, regularizationAfter: try node.float("norm_coefficient_post") ?? 0,
      isNesterov: try node.string("mode") == "nesterov")
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [("norm_coefficient", .float(regularization))]
    switch rule {
    case .adagrad: attributes += [("decay_factor", .float(decay)), ("epsilon", .float(epsilon))]
    case .adam:
      attributes += [
        ("alpha", .float(alpha)), ("beta", .float(beta)), ("epsilon", .float(epsilon)),
        ("norm_coefficient_post", .float(regularizationAfter)),
      ]
    case .momentum:
      attributes += [("alpha", .float(alpha)), ("beta", .float(beta)), ("mode", .string(isNesterov ? "nesterov" : "standard"))]
    }
    return ONNXSpelling(ONNXName(domain: Self.domain, rule.rawValue), attributes)
  }
}
