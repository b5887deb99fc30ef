package import IR

/// y = condition ? a : b for every element of three broadcast tensors.
package struct Where: ONNXOperator {
  package static let name = "where"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(1)
    guard try context.element(0) == .bool else {
      throw OperatorError("truth-values-expected", "the condition must be bool")
    }
    guard try context.element(2) == element else {
      throw OperatorError("element-types-match", "the two choices must have one element type")
    }
    return [try context.broadcastType(element, of: 0..<3)]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let condition = context.knownIntegers(0), let a = context.known(1), let b = context.known(2) else {
      return []
    }
    let count = max(condition.count, a.count, b.count)
    guard [condition.count, a.count, b.count].allSatisfy({ $0 == count || $0 == 1 }),
      !context.inputs.contains(where: { ($0?.tensor?.rank ?? 2) > 1 })
    else { return [] }
    return [
      (0..<count).map { index in
        condition[condition.count == 1 ? 0 : index] != 0 ? a[a.count == 1 ? 0 : index] : b[b.count == 1 ? 0 : index]
      }
    ]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("where", simple: 1)
  }

  package var storedForm: StoredForm? { .rescaled }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (condition, a, b) = (try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(2))
    guard case .bool(let choice) = condition.elements else {
      throw OperatorError("truth-values-expected", "the condition must be bool")
    }
    let shape = try Broadcast.numbers([condition.shape, a.shape, b.shape])
    _ = try shape.evaluableCount()
    let rule = Choice(choice: choice, plan: BroadcastPlan([condition.shape, a.shape, b.shape], target: shape))
    return [.tensor(Tensor(a.element, shape, try a.elements.merged(b.elements, rule)))]
  }

  package static var onnxNames: [ONNXName] { ["Where"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Where { Where() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Where") }
}

private struct Choice: Merge {
  let choice: [Bool]
  let plan: BroadcastPlan

  func merge<T>(_ a: [T], _ b: [T]) -> [T] {
    var result: [T] = []
    result.reserveCapacity(plan.rowCount * plan.rowLength)
    let steps = plan.innerStrides
    plan.forEachRow { _, starts in
      for i in 0..<plan.rowLength {
        result.append(choice[starts[0] + i * steps[0]] ? a[starts[1] + i * steps[1]] : b[starts[2] + i * steps[2]])
      }
    }
    return result
  }
}
