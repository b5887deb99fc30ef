package import IR
internal import Foundation

/// Decision trees whose leaves add up to scores. Input: x [n, features]. Output: [n, targets].
package struct TreeEnsemble: ONNXOperator {
  package static let name = "tree-ensemble"

  package enum Aggregate: Int, Codable, Sendable, Hashable { case average, sum, minimum, maximum }
  package enum Transform: Int, Codable, Sendable, Hashable { case none, softmax, logistic, softmaxOfNonZero, probit }

  package var targets: Int
  package var aggregate: Aggregate
  package var transform: Transform
  package var roots: [Int]
  /// Per inner node: tested feature, comparison (0 ≤, 1 <, 2 ≥, 3 >, 4 =, 5 ≠, 6 member of a set), and threshold.
  package var features: [Int]
  package var comparisons: [Int]
  package var thresholds: [Double]
  /// Sizes and elements of the sets, in order of the nodes that test membership.
  package var setSizes: [Int]
  package var setMembers: [Double]
  /// A missing value (not a number) passes the test.
  package var missingPasses: [Bool]
  /// Where to go next; a leaf index where the matching flag is set.
  package var passed: [Int]
  package var passedIsLeaf: [Bool]
  package var failed: [Int]
  package var failedIsLeaf: [Bool]
  package var leafTargets: [Int]
  package var leafWeights: [Double]

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 2 else { throw OperatorError("ranks-match", "rows of features are needed, not \(x.shape.text)") }
    return [.tensor(TensorType(x.element, [x.shape[0], .constant(targets)]))]
  }

  /// Every tree is walked to a depth of about log2 of its nodes.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let perTree = max(1, features.count / max(1, roots.count))
    let steps = roots.count * (Int.bitWidth - perTree.leadingZeroBitCount)
    let rows = try operands.shape(ofInput: 0)[0]
    return .reduction(
      Reduction(
        kind: .sum, rows: rows, columns: max(1, steps), inputs: try operands.presentInputs(), outputs: try operands.allOutputs(),
        costPerElement: ArithmeticCost(simple: 2)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard x.rank == 2, targets > 0, let largest = features.max().map({ $0 + 1 }) ?? 0 as Int?, largest <= x.shape[1] else {
      throw OperatorError("ranks-match", "the trees test features that \(x.shape) does not have")
    }
    let values = try x.doubles()
    let sets = memberSets()
    var y: [Double] = []
    for row in 0..<x.shape[0] {
      var scores = [Double?](repeating: nil, count: targets)
      for root in roots {
        let leaf = try leaf(from: root, values[(row * x.shape[1])..<((row + 1) * x.shape[1])], sets)
        guard leaf < leafTargets.count, leafTargets[leaf] >= 0, leafTargets[leaf] < targets else {
          throw OperatorError("tree-form", "a leaf names target \(leaf) of \(targets)")
        }
        let target = leafTargets[leaf]
        scores[target] = scores[target].map { combine($0, leafWeights[leaf]) } ?? leafWeights[leaf]
      }
      y += transformed(scores.map { ($0 ?? 0) / (aggregate == .average ? Double(roots.count) : 1) })
    }
    return [.tensor(Tensor(x.element, [x.shape[0], targets], rounding: y))]
  }

  private func memberSets() -> [Set<Double>] {
    var rest = setMembers[...]
    return setSizes.map { size in
      defer { rest = rest.dropFirst(size) }
      return Set(rest.prefix(size))
    }
  }

  private func leaf(from root: Int, _ x: ArraySlice<Double>, _ sets: [Set<Double>]) throws(OperatorError) -> Int {
    var node = root
    for _ in 0...features.count {
      guard features.indices.contains(node) else { throw OperatorError("tree-form", "node \(node) does not exist") }
      let value = x[x.startIndex + features[node]]
      let passes = value.isNaN ? missingPasses[node] : test(value, node, sets)
      let isLeaf = passes ? passedIsLeaf[node] : failedIsLeaf[node]
      node = passes ? passed[node] : failed[node]
      if isLeaf { return node }
    }
    throw OperatorError("tree-form", "the nodes of a tree form a cycle")
  }

  private func test(_ value: Double, _ node: Int, _ sets: [Set<Double>]) -> Bool {
    let threshold = thresholds[node]
    switch comparisons[node] {
    case 0: return value <= threshold
    case 1: return value < threshold
    case 2: return value >= threshold
    case 3: return value > threshold
    case 4: return value == threshold
    case 5: return value != threshold
    default:
      let position = comparisons[..<node].count { $0 == 6 }
      return position < sets.count && sets[position].contains(value)
    }
  }

  private func combine(_ a: Double, _ b: Double) -> Double {
    switch aggregate {
    case .average, .sum: a + b
    case .minimum: min(a, b)
    case .maximum: max(a, b)
    }
  }

  private func transformed(_ scores: [Double]) -> [Double] {
    switch transform {
    case .none, .probit: return scores
    case .logistic: return scores.map { 1 / (1 + Foundation.exp(-$0)) }
    case .softmax, .softmaxOfNonZero:
      let skipsZero = transform == .softmaxOfNonZero
      let largest = scores.max() ?? 0
      let powers = scores.map { skipsZero && $0 == 0 ? 0 : Foundation.exp($0 - largest) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "ai.onnx.ml", "TreeEnsemble")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> TreeEnsemble {
    let features = try node.required("nodes_featureids")
    let comparisons = try node.numbers("nodes_modes").map { Int($0.clampedInt64) }
    let splits = try node.numbers("nodes_splits")
    var (sizes, members) = ([Int](), [Double]())
    if node.has("membership_values") {
      var size = 0
      for value in try node.numbers("membership_values") {
        if value.isNaN {
          sizes.append(size)
          size = 0
        } else {
          members.append(value)
          size += 1
        }
      }
      if size > 0 { sizes.append(size) }
    }
    node.ignore("nodes_hitrates")
    let missing = try node.integers("nodes_missing_value_tracks_true") ?? features.map { _ in 0 }
    guard let aggregate = Aggregate(rawValue: try node.integer("aggregate_function") ?? 1),
      let transform = Transform(rawValue: try node.integer("post_transform") ?? 0)
    else { throw OperatorError("tree-form", "unknown aggregation or transformation") }
    let ensemble = TreeEnsemble(
      targets: try node.integer("n_targets") ?? 1, aggregate: aggregate, transform: transform, roots: try node.required("tree_roots"),
      features: features, comparisons: comparisons, thresholds: splits.map { $0.isNaN ? 0 : $0 }, setSizes: sizes, setMembers: members,
      missingPasses: missing.map { $0 != 0 }, passed: try node.required("nodes_truenodeids"),
      passedIsLeaf: try node.required("nodes_trueleafs").map { $0 != 0 }, failed: try node.required("nodes_falsenodeids"),
      failedIsLeaf: try node.required("nodes_falseleafs").map { $0 != 0 }, leafTargets: try node.required("leaf_targetids"),
      leafWeights: try node.numbers("leaf_weights"))
    let counts = [
      comparisons.count, splits.count, missing.count, ensemble.passed.count, ensemble.passedIsLeaf.count, ensemble.failed.count,
      ensemble.failedIsLeaf.count,
    ]
    guard counts.allSatisfy({ $0 == features.count }), ensemble.leafTargets.count == ensemble.leafWeights.count,
      features.allSatisfy({ $0 >= 0 }), ensemble.targets > 0, ensemble.targets < 1 << 24
    else { throw OperatorError("tree-form", "the node lists of the trees differ in length") }
    return ensemble
  }

  package func exportONNX() -> ONNXSpelling {
    func flags(_ list: [Bool]) -> ONNXAttribute { .integers(list.map { $0 ? 1 : 0 }) }
    func floats(_ list: [Double]) -> ONNXAttribute { .tensor(Constant(Tensor([list.count], floats: list.map(Float.init)))) }
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("n_targets", .integer(targets)), ("aggregate_function", .integer(aggregate.rawValue)),
      ("post_transform", .integer(transform.rawValue)), ("tree_roots", .integers(roots)), ("nodes_featureids", .integers(features)),
      ("nodes_modes", .tensor(Constant(Tensor(.uint8, [comparisons.count], saturating: comparisons.map(Int64.init))))),
      ("nodes_splits", floats(thresholds)), ("nodes_missing_value_tracks_true", flags(missingPasses)),
      ("nodes_truenodeids", .integers(passed)), ("nodes_trueleafs", flags(passedIsLeaf)), ("nodes_falsenodeids", .integers(failed)),
      ("nodes_falseleafs", flags(failedIsLeaf)), ("leaf_targetids", .integers(leafTargets)), ("leaf_weights", floats(leafWeights)),
    ]
    if !setSizes.isEmpty {
      var members: [Double] = []
      var rest = setMembers[...]
      for size in setSizes {
        members += rest.prefix(size) + [.nan]
        rest = rest.dropFirst(size)
      }
      attributes.append(("membership_values", floats(members)))
    }
    return ONNXSpelling(ONNXName(domain: "ai.onnx.ml", "TreeEnsemble"), attributes)
  }
}

extension ONNXNode {
  fileprivate mutating func required(_ name: String) throws(OperatorError) -> [Int] {
    guard let list = try integers(name) else { throw OperatorError("missing-attribute", "TreeEnsemble needs '\(name)'") }
    return list
  }

  /// The numbers of a tensor attribute.
  fileprivate mutating func numbers(_ name: String) throws(OperatorError) -> [Double] {
    guard let constant = try tensor(name), let tensor = Tensor(constant) else {
      throw OperatorError("missing-attribute", "TreeEnsemble needs '\(name)'")
    }
    return try tensor.doubles()
  }
}
