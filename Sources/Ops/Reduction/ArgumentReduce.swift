package import IR

/// Position of the largest or smallest element along one axis. Input: x. Output: int64, the axis dropped or kept with extent 1.
package struct ArgumentReduce: ONNXOperator {
  package static let name = "arg-reduce"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case maximum = "ArgMax"
    case minimum = "ArgMin"
  }

  package var function: Function
  package var axis: Int
  package var keepsAxis: Bool
  /// Among equal elements the last one counts.
  package var prefersLast: Bool

  package init(_ function: Function, axis: Int = 0, keepsAxis: Bool = true, prefersLast: Bool = false) {
    self.function = function
    self.axis = axis
    self.keepsAxis = keepsAxis
    self.prefersLast = prefersLast
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var shape = try context.tensor(0).shape
    let axis = try resolveAxis(axis, rank: shape.count)
    if keepsAxis { shape[axis] = 1 } else { shape.remove(at: axis) }
    return [.tensor(TensorType(.int64, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let rows = try operands.output().count
    return .reduction(
      Reduction(
        kind: .argument, rows: rows, columns: try operands.input(0).count / max(1, rows), inputs: [try operands.input(0)],
        outputs: [try operands.output()], costPerElement: ArithmeticCost(simple: 2)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let axis = try resolveAxis(axis, rank: tensor.rank)
    let split = AxisSplit(tensor.shape, axis: axis)
    guard split.extent > 0 else { throw OperatorError("non-empty", "an empty axis has no largest element") }
    let x = try tensor.doubles()
    var result: [Int64] = []
    split.forEachLine { start in
      var best = 0
      for index in 1..<max(1, split.extent) {
        let (value, known) = (x[start + index * split.inner], x[start + best * split.inner])
        if value == known ? prefersLast : (function == .maximum ? value > known : value < known) { best = index }
      }
      result.append(Int64(best))
    }
    var shape = tensor.shape
    if keepsAxis { shape[axis] = 1 } else { shape.remove(at: axis) }
    return [.tensor(Tensor(shape, integers: result))]
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName($0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ArgumentReduce {
    guard let function = Function(rawValue: node.name.type) else {
      throw OperatorError("unknown-function", "no reduction \(node.name.type)")
    }
    return ArgumentReduce(
      function, axis: try node.integer("axis") ?? 0, keepsAxis: try node.integer("keepdims") ?? 1 != 0,
      prefersLast: try node.integer("select_last_index") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(function.rawValue),
      [
        ("axis", .integer(axis)), ("keepdims", .integer(keepsAxis ? 1 : 0)),
        ("select_last_index", .integer(prefersLast ? 1 : 0)),
      ])
  }
}
