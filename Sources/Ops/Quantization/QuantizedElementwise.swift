package import IR
internal import Foundation

/// An elementwise function between stored integers: dequantise, apply, requantise. One table row per function.
///
/// Inputs: x, its scale and zero point; for two operands y with scale and zero point; then scale and zero point of the
/// result. Output: stored integers of the broadcast shape.
package struct QuantizedElementwise: ONNXOperator {
  package static let name = "elementwise-quantized"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case add = "QLinearAdd"
    case multiply = "QLinearMul"
    case sigmoid = "QLinearSigmoid"
    case leakyRelu = "QLinearLeakyRelu"

    var operands: Int { self == .add || self == .multiply ? 2 : 1 }

    func apply(_ a: Float, _ b: Float, alpha: Float) -> Float {
      switch self {
      case .add: a + b
      case .multiply: a * b
      case .sigmoid: 1 / (1 + Foundation.exp(-a))
      case .leakyRelu: a >= 0 ? a : alpha * a
      }
    }
  }

  package var function: Function
  /// Slope below zero of the leaky rectifier.
  package var alpha: Float

  package init(_ function: Function, alpha: Float = 0.01) {
    self.function = function
    self.alpha = alpha
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard function.operands == 2 else { return [.tensor(x)] }
    return [.tensor(TensorType(x.element, try Broadcast.shape([x.shape, try context.tensor(3).shape])))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise(
      "\(function.rawValue.lowercased())", simple: 4 + 3 * function.operands, special: function == .sigmoid ? 2 : 0)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let left = try ScalePair(inputs, 1).dequantized(x)
    let output = try ScalePair(inputs, function.operands * 3)
    guard function.operands == 2 else {
      return [.tensor(output.quantized(left.map { function.apply($0, 0, alpha: alpha) }, x.element, x.shape))]
    }
    let y = try inputs.tensor(3)
    let right = try ScalePair(inputs, 4).dequantized(y)
    let shape = try Broadcast.shape([x.shape, y.shape].map { $0.map(Dimension.constant) }).compactMap(\.constant)
    var values = [Float](repeating: 0, count: shape.reduce(1, *))
    Broadcast.forEachPair(shape, x.shape, y.shape) { position, a, b in values[position] = function.apply(left[a], right[b], alpha: alpha) }
    return [.tensor(output.quantized(values, x.element, shape))]
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName(domain: "com.microsoft", $0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> QuantizedElementwise {
    guard let function = Function(rawValue: node.name.type) else {
      throw OperatorError("unknown-function", "no elementwise function \(node.name.type)")
    }
    return QuantizedElementwise(function, alpha: try node.float("alpha") ?? 0.01)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", function.rawValue), function == .leakyRelu ? [("alpha", .float(alpha))] : [])
  }
}
