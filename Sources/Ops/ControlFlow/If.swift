package import IR

/// The results of one of two regions, chosen by a truth value.
///
/// Inputs: condition, then what the regions capture, which are the inputs of both regions.
package struct If: ONNXOperator {
  package static let name = "if"

  /// Indices of the regions.
  package var thenRegion: Int
  package var elseRegion: Int
  /// The region whose types do not fit at the extents of this graph, and the first reason; nil when both fit.
  package var unreachable: Int?
  package var reason: String?

  package init(thenRegion: Int = 0, elseRegion: Int = 1) {
    self.thenRegion = thenRegion
    self.elseRegion = elseRegion
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (yes, no) = (try context.results(ofRegion: thenRegion), try context.results(ofRegion: elseRegion))
    if let condition = context.knownNumbers(0)?.first {
      try checkReachable(condition != 0 ? thenRegion : elseRegion)
      return condition != 0 ? yes : no
    }
    if let unreachable { return unreachable == thenRegion ? no : yes }
    guard yes.count == no.count else {
      throw OperatorError("results-match", "one branch has \(yes.count) results, the other \(no.count)")
    }
    var types: [ValueType] = []
    for (index, pair) in zip(yes, no).enumerated() {
      types.append(try pair.0.joined(with: pair.1) { context.freshDimension("\(index).\($0)") })
    }
    return types
  }

  private func checkReachable(_ region: Int) throws(OperatorError) {
    guard region == unreachable else { return }
    let branch = region == thenRegion ? "then" : "else"
    throw OperatorError("branch-fits", "the \(branch) branch does not fit these extents: \(reason ?? "")")
  }

  /// The branch with more to do stands for both; one that cannot run does not count.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let body = countedRegions(operands).flatMap { operands.regions[$0] }
    return .loop(
      Loop(
        label: "if", tripCount: 1, body: body, inputs: try operands.presentInputs(), outputs: try operands.allOutputs())
    )
  }

  package func countedRegions(_ operands: OperandTypes) -> [Int] {
    let reachable = [thenRegion, elseRegion].filter { $0 != unreachable && operands.regions.indices.contains($0) }
    let dearest = reachable.max { operands.regions[$0].cost < operands.regions[$1].cost }
    return dearest.map { [$0] } ?? []
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    guard let condition = try inputs.tensor(0).doubles().first else {
      throw OperatorError("one-element", "the condition must be one truth value")
    }
    let region = condition != 0 ? thenRegion : elseRegion
    try checkReachable(region)
    return try context.run(region, Array(inputs.dropFirst()))
  }

  package static var onnxNames: [ONNXName] { ["If"] }

  package static var alternatives: [String] { ["then_branch", "else_branch"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> If {
    guard let yes = try node.region("then_branch"), let no = try node.region("else_branch") else {
      throw OperatorError("region-expected", "an If needs both branches")
    }
    var result = If(thenRegion: yes, elseRegion: no)
    for (name, region) in zip(alternatives, [yes, no]) {
      guard let reason = node.untypedRegions[name] else { continue }
      (result.unreachable, result.reason) = (region, reason)
    }
    return result
  }

  package var onnxInputCount: Int? { 1 }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("If", [("else_branch", .region(elseRegion)), ("then_branch", .region(thenRegion))])
  }
}

extension [Computation] {
  /// Work to compare branches by: operations, then bytes.
  fileprivate var cost: Int {
    reduce(0) { sum, computation in
      sum &+ computation.work.flops &+ (computation.inputs + computation.outputs).reduce(0) { $0 &+ $1.bytes }
    }
  }
}

extension Graph {
  /// A choice that only the run decides: what is counted for it and what is not.
  package struct UndecidedBranch: Sendable {
    package var node: String
    /// `then` or `else`.
    package var counted: String
    package var work: Work
    package var otherWork: Work
    /// Stored numbers of the two branches.
    package var parameters: Int
    package var otherParameters: Int
  }

  /// Every `If` whose condition the graph does not tell and whose branches both fit, also inside regions.
  package var undecidedBranches: [UndecidedBranch] {
    nodeIDs.flatMap { id in
      let node = self[id]
      let inner = node.regions.flatMap(\.undecidedBranches)
      guard let operation = node.operation(as: If.self), operation.unreachable == nil,
        node.inputs.first.map({ constant($0) == nil }) ?? true
      else { return inner }
      let operands = operandTypes(of: node)
      guard let counted = operation.countedRegions(operands).first else { return inner }
      let other = counted == operation.thenRegion ? operation.elseRegion : operation.thenRegion
      func work(_ region: Int) -> Work { operands.regions[region].reduce(Work()) { $0 + $1.work } }
      func parameters(_ region: Int) -> Int { node.regions[region].storedConstants.reduce(0) { $0 + ($1.constant.type.elementCount ?? 0) } }
      let found = UndecidedBranch(
        node: node.name, counted: counted == operation.thenRegion ? "then" : "else", work: work(counted), otherWork: work(other),
        parameters: parameters(counted), otherParameters: parameters(other))
      return [found] + inner
    }
  }

  /// Every branch that cannot run at the extents of this graph: the name of its node, its own, and why; also inside regions.
  package var unreachableBranches: [(node: String, branch: String, reason: String)] {
    nodeIDs.flatMap { id in
      let node = self[id]
      let inner = node.regions.enumerated().filter { $0.offset != node.operation(as: If.self)?.unreachable }
        .flatMap { $0.element.unreachableBranches }
      guard let operation = node.operation(as: If.self), let region = operation.unreachable else { return inner }
      return [(node.name, region == operation.thenRegion ? "then" : "else", operation.reason ?? "")] + inner
    }
  }
}
