package import IR

/// Texts joined pairwise, with broadcasting.
package struct StringConcat: ONNXOperator {
  package static let name = "string-concat"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard try context.element(0) == .string, try context.element(1) == .string else {
      throw OperatorError("strings-expected", "only texts can be joined")
    }
    return [try context.broadcastType(.string, of: 0..<2)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("string-concat", simple: 1)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (a, b) = (try inputs.tensor(0), try inputs.tensor(1))
    let (x, y) = (try a.strings(), try b.strings())
    let shape = try Broadcast.numbers([a.shape, b.shape])
    _ = try shape.evaluableCount()
    return [.tensor(Tensor(.string, shape, .string(BroadcastPlan.map(x, a.shape, y, b.shape, to: shape) { $0 + $1 })))]
  }

  package static var onnxNames: [ONNXName] { ["StringConcat"] }
  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> StringConcat { StringConcat() }
  package func exportONNX() -> ONNXSpelling { ONNXSpelling("StringConcat") }
}

extension Tensor {
  /// The elements of a tensor of texts.
  package func strings() throws(OperatorError) -> [String] {
    guard case .string(let texts) = elements else {
      throw OperatorError("strings-expected", "a tensor of \(element.rawValue) stands where texts are needed")
    }
    return texts
  }
}
