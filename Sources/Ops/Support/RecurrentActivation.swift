package import IR
internal import Foundation

/// An activation of a recurrent cell, with its two constants.
package struct RecurrentActivation: Sendable {
  package enum Function: String, CaseIterable, Sendable {
    case relu, tanh, sigmoid, affine, leakyrelu, thresholdedrelu, scaledtanh, hardsigmoid, elu, softsign, softplus
  }

  package var function: Function
  package var alpha: Double
  package var beta: Double

  package init(_ function: Function, alpha: Double? = nil, beta: Double? = nil) {
    self.function = function
    self.alpha = alpha ?? function.alpha
    self.beta = beta ?? function.beta
  }

  /// The functions named (in any case) with the constants they take, in order, from two lists.
  package static func list(_ names: [String], alphas: [Float], betas: [Float]) throws(OperatorError) -> [RecurrentActivation] {
    var alphas = alphas[...]
    var betas = betas[...]
    var result: [RecurrentActivation] = []
    for name in names {
      guard let function = Function(rawValue: name.lowercased()) else {
        throw OperatorError("activation-known", "unknown activation '\(name)'")
      }
      let alpha = function.takesAlpha ? alphas.popFirst().map(Double.init) : nil
      let beta = function.takesBeta ? betas.popFirst().map(Double.init) : nil
      result.append(RecurrentActivation(function, alpha: alpha, beta: beta))
    }
    return result
  }

  package func callAsFunction(_ x: Double) -> Double {
    switch function {
    case .relu: max(x, 0)
    case .tanh: Foundation.tanh(x)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .affine: alpha * x + beta
    case .leakyrelu: x >= 0 ? x : alpha * x
    case .thresholdedrelu: x > alpha ? x : 0
    case .scaledtanh: alpha * Foundation.tanh(beta * x)
    case .hardsigmoid: min(max(alpha * x + beta, 0), 1)
    case .elu: x >= 0 ? x : alpha * (Foundation.exp(x) - 1)
    case .softsign: x / (1 + x.magnitude)
    case .softplus: x > 30 ? x : Foundation.log1p(Foundation.exp(x))
    }
  }
}

extension RecurrentActivation.Function {
  var takesAlpha: Bool {
    switch self {
    case .affine, .leakyrelu, .thresholdedrelu, .scaledtanh, .hardsigmoid, .elu: true
    case .relu, .tanh, .sigmoid, .softsign, .softplus: false
    }
  }

  var takesBeta: Bool { self == .affine || self == .scaledtanh || self == .hardsigmoid }

  var alpha: Double {
    switch self {
    case .leakyrelu: 0.01
    case .hardsigmoid: 0.2
    case .affine, .thresholdedrelu, .scaledtanh, .elu, .relu, .tanh, .sigmoid, .softsign, .softplus: 1
    }
  }

  var beta: Double {
    switch self {
    case .hardsigmoid: 0.5
    case .scaledtanh: 1
    case .affine, .leakyrelu, .thresholdedrelu, .elu, .relu, .tanh, .sigmoid, .softsign, .softplus: 0
    }
  }
}
