package import IR
internal import Foundation

/// y[c] = x[c]/(bias + α/size·Σ x[i]²)^β over the `size` channels around c. Input and output: x [n, c, …].
package struct LocalResponseNormalization: ONNXOperator {
  package static let name = "local-response-normalization"

  package var size: Int
  package var alpha: Float
  package var beta: Float
  package var bias: Float

  package init(size: Int, alpha: Float = 1e-4, beta: Float = 0.75, bias: Float = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 2 else { throw OperatorError("ranks-match", "the input \(x.shape.text) has no channel axis") }
    guard size > 0, size < 1 << 30 else { throw OperatorError("window-positive", "the number of channels summed over must be positive") }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("local-response-normalization", simple: 2 * size + 2, special: 2)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let x = try tensor.doubles()
    let split = AxisSplit(tensor.shape, axis: 1)
    var y = x
    split.forEachLine { start in
      for channel in 0..<split.extent {
        let window = max(0, channel - (size - 1) / 2)...min(split.extent - 1, channel + size / 2)
        var squares = 0.0
        for other in window { squares += x[start + other * split.inner] * x[start + other * split.inner] }
        let base = Double(bias) + Double(alpha) / Double(size) * squares
        y[start + channel * split.inner] /= Foundation.pow(base, Double(beta))
      }
    }
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["LRN"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> LocalResponseNormalization {
    guard let size = try node.integer("size") else { throw OperatorError("missing-attribute", "LRN needs the attribute 'size'") }
    return LocalResponseNormalization(
      size: size, alpha: try node.float("alpha") ?? 1e-4, beta: try node.float("beta") ?? 0.75,
      bias: try node.float("bias") ?? 1)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "LRN", [("size", .integer(size)), ("alpha", .float(alpha)), ("beta", .float(beta)), ("bias", .float(bias))])
  }
}
