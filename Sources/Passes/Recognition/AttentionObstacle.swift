internal import IR
internal import Ops

/// What the target's fused attention does not take.
let attentionObstacle: TargetObstacle = { recognition, match, capabilities in
  guard let op = recognition.operation as? ScaledDotProductAttention, let q = match.graph.tensorType(recognition.inputs[0]),
    let k = match.graph.tensorType(recognition.inputs[1]), let v = match.graph.tensorType(recognition.inputs[2])
  else { return nil }
  let support = capabilities.attention
  let widest = max(q.shape.last?.constant ?? 0, v.shape.last?.constant ?? 0)
  if widest > support.maximumHeadDimension {
    return "heads of \(widest) elements exceed the target's largest, \(support.maximumHeadDimension)"
  }
  func lacks(_ form: AttentionSupport.Form) -> String? {
    support.forms.contains(form) ? nil : "the target's fused attention has no \(form.rawValue) form"
  }
  if recognition.inputs.count > 3, recognition.inputs[3] != nil, let reason = lacks(.mask) { return reason }
  if recognition.inputs.count > 4, let reason = lacks(.sinks) { return reason }
  if op.cap != nil, let reason = lacks(.capped) { return reason }
  if op.isCausal, let reason = lacks(.causal) { return reason }
  if q.rank == 4, let keys = recognition.rearranged(k.shape, input: 1), q.shape[1] != keys[1], let reason = lacks(.grouped) {
    return reason
  }
  return nil
}

extension Recognition {
  /// The extents of an operand of four axes after the squeezes and transpositions that come first.
  fileprivate func rearranged(_ shape: [Dimension], input: Int) -> [Dimension]? {
    var shape = shape
    for preparation in preparations where preparation.input == input {
      switch preparation {
      case .squeeze(_, let axis): shape.remove(at: axis)
      case .transpose(_, let permutation): shape = permutation.map { shape[$0] }
      case .constant, .unsqueeze, .part, .combine, .spread, .invert, .view: return nil
      }
    }
    return shape.count == 4 ? shape : nil
  }
}
