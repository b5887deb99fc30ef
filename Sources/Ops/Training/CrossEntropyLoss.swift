package import IR
internal import Foundation

/// −Σ weight[t]·x[n, t]: the negative log likelihood of target classes, from log probabilities or from raw scores.
///
/// Inputs: x [n, c, …], targets [n, …], optional class weights [c]. Outputs: the loss (a scalar, or [n, …] unreduced)
/// and, from scores, optionally the log probabilities.
package struct CrossEntropyLoss: ONNXOperator {
  package static let name = "cross-entropy-loss"

  package enum Reduction: String, Codable, Sendable, Hashable, CaseIterable { case none, sum, mean }

  /// x are scores: softmax and logarithm come first.
  package var takesScores: Bool
  package var reduction: Reduction
  /// Targets of this class count for nothing.
  package var ignoredClass: Int?

  package init(takesScores: Bool, reduction: Reduction = .mean, ignoredClass: Int? = nil) {
    self.takesScores = takesScores
    self.reduction = reduction
    self.ignoredClass = ignoredClass
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let targets = try context.tensor(1)
    guard x.rank >= 2, targets.rank == x.rank - 1 else {
      throw OperatorError("ranks-match", "targets \(targets.shape.text) do not fit classes \(x.shape.text)")
    }
    let loss = ValueType.tensor(TensorType(x.element, reduction == .none ? targets.shape : []))
    return context.outputCount > 1 ? [loss, .tensor(x)] : [loss]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let classes = max(1, shape.count > 1 ? shape[1] : 1)
    return .reduction(
      IR.Reduction(
        kind: takesScores ? .softmax : .sum, rows: shape.reduce(1, *) / classes, columns: classes,
        inputs: try operands.presentInputs(), outputs: try operands.allOutputs(),
        costPerElement: takesScores ? ArithmeticCost(simple: 4, special: 1) : ArithmeticCost(simple: 1)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let targets = try inputs.tensor(1)
    guard x.rank >= 2 else { throw OperatorError("ranks-match", "the classes need an axis of their own") }
    var logarithms = x
    if takesScores { logarithms = try Softmax(.logarithm, axis: 1).evaluate([.tensor(x)], EvaluationContext()).map { $0 }.tensor(0) }
    let values = try logarithms.doubles()
    let weights = try inputs.optionalTensor(2)?.doubles()
    let split = AxisSplit(x.shape, axis: 1)
    let classes = try targets.integers().map { Int($0) }
    guard classes.count == split.outer * split.inner, weights == nil || weights?.count == split.extent else {
      throw OperatorError("ranks-match", "targets or weights do not fit the classes")
    }
    var losses = [Double](repeating: 0, count: classes.count)
    var total = 0.0
    for (position, target) in classes.enumerated() where target != ignoredClass {
      guard target >= 0, target < split.extent else {
        throw OperatorError("class-range", "class \(target) does not exist among \(split.extent)")
      }
      let weight = weights?[target] ?? 1
      total += weight
      losses[position] = -values[(position / split.inner * split.extent + target) * split.inner + position % split.inner] * weight
    }
    let loss: Tensor
    switch reduction {
    case .none: loss = Tensor(x.element, targets.shape, rounding: losses)
    case .sum: loss = Tensor(x.element, [], rounding: [losses.reduce(0, +)])
    case .mean: loss = Tensor(x.element, [], rounding: [losses.reduce(0, +) / total])
    }
    return context.outputCount > 1 ? [.tensor(loss), .tensor(logarithms)] : [.tensor(loss)]
  }

  package static var onnxNames: [ONNXName] { ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> CrossEntropyLoss {
    guard let reduction = Reduction(rawValue: try node.string("reduction") ?? "mean") else {
      throw OperatorError("reduction-known", "the reduction must be none, sum or mean")
    }
    return CrossEntropyLoss(
      takesScores: node.name.type == "SoftmaxCrossEntropyLoss", reduction: reduction,
      ignoredClass: try node.integer("ignore_index"))
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [("reduction", .string(reduction.rawValue))]
    if let ignoredClass { attributes.append(("ignore_index", .integer(ignoredClass))) }
    return ONNXSpelling(takesScores ? "SoftmaxCrossEntropyLoss" : "NegativeLogLikelihoodLoss", attributes)
  }
}
