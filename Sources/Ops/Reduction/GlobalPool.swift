package import IR
internal import Foundation

/// Mean, maximum or p-norm of every channel's plane. Input: x [n, c, spatial…]. Output: [n, c, 1…].
package struct GlobalPool: ONNXOperator {
  package static let name = "global-pool"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case average = "GlobalAveragePool"
    case maximum = "GlobalMaxPool"
    case norm = "GlobalLpPool"
  }

  package var function: Function
  /// Order of the norm.
  package var p: Int

  package init(_ function: Function, p: Int = 2) {
    self.function = function
    self.p = p
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 2 else { throw OperatorError("ranks-match", "the input \(x.shape.text) has no channel axis") }
    return [.tensor(TensorType(x.element, x.shape[..<2] + Array(repeating: 1, count: x.rank - 2)))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let rows = try operands.output().count
    return .reduction(
      Reduction(
        kind: function == .average ? .mean : function == .maximum ? .maximum : .sum, rows: rows,
        columns: try operands.input(0).count / max(1, rows), inputs: [try operands.input(0)], outputs: [try operands.output()],
        costPerElement: ArithmeticCost(simple: function == .norm ? 2 : 1)))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.sameAxisTies().filter { $0.members[0].axis < 2 } }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let x = try tensor.doubles()
    let columns = tensor.shape[2...].reduce(1, *)
    let rows = tensor.shape[..<2].reduce(1, *)
    let y = (0..<rows).map { row -> Double in
      let line = x[(row * columns)..<((row + 1) * columns)]
      return switch function {
      case .average: line.reduce(0, +) / Double(columns)
      case .maximum: line.reduce(-.infinity) { $1.isNaN ? $1 : Swift.max($0, $1) }
      case .norm: Foundation.pow(line.reduce(0) { $0 + Foundation.pow($1.magnitude, Double(p)) }, 1 / Double(p))
      }
    }
    let shape = tensor.shape[..<2] + Array(repeating: 1, count: tensor.rank - 2)
    return [.tensor(Tensor(tensor.element, Array(shape), rounding: y))]
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName($0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> GlobalPool {
    guard let function = Function(rawValue: node.name.type) else {
      throw OperatorError("unknown-function", "no pooling \(node.name.type)")
    }
    return GlobalPool(function, p: try node.integer("p") ?? 2)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(function.rawValue), function == .norm ? [("p", .integer(p))] : [])
  }
}
