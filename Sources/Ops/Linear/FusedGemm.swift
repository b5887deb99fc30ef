package import IR

/// activation(alpha·op(a)·op(b) + beta·c), as a Gemm with an activation after it.
///
/// Inputs: a [m, k] or [k, m], b [k, n] or [n, k], optional c broadcast to [m, n]. Output: [m, n].
package struct FusedGemm: ONNXOperator {
  package static let name = "gemm-fused"

  package var alpha: Float
  package var beta: Float
  package var transposesA: Bool
  package var transposesB: Bool
  /// In ONNX's spelling; empty for none.
  package var activation: String
  package var parameters: [Float]

  package var gemm: Gemm { Gemm(alpha: alpha, beta: beta, transposesA: transposesA, transposesB: transposesB) }

  private func function() throws(OperatorError) -> RecurrentActivation? {
    guard !activation.isEmpty else { return nil }
    return try RecurrentActivation.list(
      [activation], alphas: Array(parameters.prefix(1)), betas: Array(parameters.dropFirst())
    ).first
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    _ = try function()
    return try gemm.inferTypes(context)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation { try gemm.computation(operands) }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let results = try gemm.evaluate(inputs, context)
    guard let function = try function() else { return results }
    let sums = try results.map { $0 }.tensor(0)
    return [.tensor(Tensor(sums.element, sums.shape, rounding: try sums.doubles().map { function($0) }))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "FusedGemm")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> FusedGemm {
    let plain = try Gemm.importONNX(&node)
    node.ignore("activation_gamma")
    let alpha = try node.float("activation_alpha")
    let beta = try node.float("activation_beta")
    return FusedGemm(
      alpha: plain.alpha, beta: plain.beta, transposesA: plain.transposesA, transposesB: plain.transposesB,
      activation: try node.string("activation") ?? "", parameters: alpha.map { [$0] + (beta.map { [$0] } ?? []) } ?? [])
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes = gemm.exportONNX().attributes
    if !activation.isEmpty { attributes.append(("activation", .string(activation))) }
    for (name, value) in zip(["activation_alpha", "activation_beta"], parameters) { attributes.append((name, .float(value))) }
    return ONNXSpelling(ONNXName(domain: "com.microsoft", "FusedGemm"), attributes)
  }
}
