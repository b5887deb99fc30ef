package import IR

/// y = left·gelu(right), the halves of x + bias along the last axis, with the exact GELU (com.microsoft BiasSplitGelu).
///
/// Inputs: x […, 2·h], bias [2·h]. Output: […, h].
package struct BiasSplitGelu: ONNXOperator {
  package static let name = "bias-split-gelu"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, bias) = (try context.tensor(0), try context.tensor(1))
    guard let width = x.shape.last, bias.rank == 1 else {
      throw OperatorError("ranks-match", "the input needs a last axis and the bias one axis, not \(x.shape.text) and \(bias.shape.text)")
    }
    if let features = width.constant, features % 2 != 0 || bias.shape[0].constant.map({ $0 != features }) ?? false {
      throw OperatorError("halves", "\(features) features and a bias of \(bias.shape.text) are no two equal halves")
    }
    return [.tensor(TensorType(x.element, x.shape.dropLast() + [width.floorDivided(by: 2)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let cost = Gelu.Form.erf.cost
    return try operands.pointwise("split-gelu", simple: cost.simple + 3, special: cost.special)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let sums = try x.doubles().shifted(by: try inputs.tensor(1), shape: x.shape)
    guard let width = x.shape.last, width % 2 == 0 else { throw OperatorError("halves", "\(x.shape) has no two equal halves") }
    let half = width / 2
    let y = (0..<sums.count / 2).map { index in
      let left = index / half * width + index % half
      return sums[left] * Gelu.Form.erf.apply(sums[left + half], alpha: 0)
    }
    return [.tensor(Tensor(x.element, x.shape.dropLast() + [half], rounding: y))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "BiasSplitGelu")] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> BiasSplitGelu { BiasSplitGelu() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(domain: "com.microsoft", "BiasSplitGelu")) }
}

/// Written with operators that every runtime has: ONNX Runtime has this one for GPUs only.
extension BiasSplitGelu: ONNXDecomposable {
  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder("bias-split-gelu", context)
    let sum = try body.add(BinaryElementwise(.add), body.inputs, "biased")
    let halves = try body.split(sum, axis: -1, into: 2, "halves")
    let gate = try body.add(Gelu(.erf), [halves[1]], "gate")
    return body.finish(try body.add(BinaryElementwise(.mul), [halves[0], gate], "y"))
  }
}
