package import IR
internal import Foundation

/// A cosine-sum window of given length: w[i] = a0 − a1·cos(2πi/n) + a2·cos(4πi/n). Input: length (a scalar). Output: [length].
package struct SignalWindow: ONNXOperator {
  package static let name = "signal-window"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case hann = "HannWindow"
    case hamming = "HammingWindow"
    case blackman = "BlackmanWindow"

    var coefficients: (Double, Double, Double) {
      switch self {
      case .hann: (0.5, 0.5, 0)
      case .hamming: (25.0 / 46, 1 - 25.0 / 46, 0)
      case .blackman: (0.42, 0.5, 0.08)
      }
    }
  }

  package var function: Function
  /// n is the length, not the length less one.
  package var isPeriodic: Bool
  package var element: ElementType

  package init(_ function: Function, isPeriodic: Bool = true, element: ElementType = .float32) {
    self.function = function
    self.isPeriodic = isPeriodic
    self.element = element
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    _ = try context.tensor(0)
    return [.tensor(TensorType(element, [context.known(0)?.first ?? context.freshDimension("length")]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("signal-window", simple: 5, special: 2)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    guard let length = try inputs.integers(0).first, length >= 0, length < 1 << 28 else {
      throw OperatorError("length-range", "the length of a window must be a positive number")
    }
    let (a0, a1, a2) = function.coefficients
    let period = Double(isPeriodic ? length : max(1, length - 1))
    let values = (0..<length).map { index -> Double in
      let angle = 2 * Double.pi * Double(index) / period
      return a0 - a1 * Foundation.cos(angle) + a2 * Foundation.cos(2 * angle)
    }
    return [.tensor(Tensor(element, [length], rounding: values))]
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName($0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> SignalWindow {
    guard let function = Function(rawValue: node.name.type) else { throw OperatorError("unknown-function", "no window \(node.name.type)") }
    return SignalWindow(
      function, isPeriodic: try node.integer("periodic") ?? 1 != 0, element: try node.elementType("output_datatype") ?? .float32)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(function.rawValue),
      [("periodic", .integer(isPeriodic ? 1 : 0)), ("output_datatype", .integer(element.onnxCode ?? 1))])
  }
}
