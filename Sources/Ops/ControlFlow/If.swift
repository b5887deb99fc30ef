package import IR

/// The results of one of two regions, chosen by a truth value.
///
/// Inputs: condition, then what the regions capture, which are the inputs of both regions.
package struct If: ONNXOperator {
  package static let name = "if"

  /// Indices of the regions.
  package var thenRegion: Int
  package var elseRegion: Int

  package init(thenRegion: Int = 0, elseRegion: Int = 1) {
    self.thenRegion = thenRegion
    self.elseRegion = elseRegion
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (yes, no) = (try context.results(ofRegion: thenRegion), try context.results(ofRegion: elseRegion))
    if let condition = context.knownNumbers(0)?.first { return condition != 0 ? yes : no }
    guard yes.count == no.count else {
      throw OperatorError("results-match", "one branch has \(yes.count) results, the other \(no.count)")
    }
    var types: [ValueType] = []
    for (index, pair) in zip(yes, no).enumerated() {
      types.append(try pair.0.joined(with: pair.1) { context.freshDimension("\(index).\($0)") })
    }
    return types
  }

  /// The branch with more to do stands for both.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let branches = [thenRegion, elseRegion].filter(operands.regions.indices.contains).map { operands.regions[$0] }
    let body = branches.max { $0.cost < $1.cost } ?? []
    return .loop(
      Loop(
        label: "if", tripCount: 1, body: body, inputs: try operands.presentInputs(), outputs: try operands.allOutputs())
    )
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    guard let condition = try inputs.tensor(0).doubles().first else {
      throw OperatorError("one-element", "the condition must be one truth value")
    }
    return try context.run(condition != 0 ? thenRegion : elseRegion, Array(inputs.dropFirst()))
  }

  package static var onnxNames: [ONNXName] { ["If"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> If {
    guard let yes = try node.region("then_branch"), let no = try node.region("else_branch") else {
      throw OperatorError("region-expected", "an If needs both branches")
    }
    return If(thenRegion: yes, elseRegion: no)
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
