package import IR

/// Product of int8 matrices by scales alone: y = saturate(round((Σ a·b·sa·sb + bias + c·sc)/sy)) (com.microsoft QOrderedMatMul).
///
/// Inputs: a […, m, k] by rows, its scale, b [k, n] by columns (the bytes of [n, k] by rows), its scale (one or per column),
/// scale of the result, optional bias [n] of real numbers, optional c […, m, n] with its scale. Output: […, m, n]. The tiled
/// orders of tensor cores are refused.
package struct OrderedMatrixMultiply: ONNXOperator {
  package static let name = "matmul-ordered"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (a, b) = (try context.tensor(0), try context.tensor(2))
    guard a.rank >= 2, b.rank == 2, let depth = a.shape.last else {
      throw OperatorError("ranks-match", "the operands must be […, m, k] and [n, k], not \(a.shape.text) and \(b.shape.text)")
    }
    // Both spellings of a matrix by columns are about: [n, k] and [k, n].
    guard b.shape[1] == depth || b.shape[0] == depth || depth.constant == nil else {
      throw OperatorError("inner-extents", "\(a.shape.text) and \(b.shape.text) have no extent to sum over in common")
    }
    return [.tensor(TensorType(.int8, a.shape.dropLast() + [b.shape[1] == depth ? b.shape[0] : b.shape[1]]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (a, y) = (try operands.shape(ofInput: 0), try operands.shape(ofOutput: 0))
    return .contraction(
      Contraction(
        batch: 1, m: a.dropLast().reduce(1, *), n: y.last ?? 1, k: a.last ?? 1, lhs: try operands.input(0), rhs: try operands.input(2),
        output: try operands.output(), hasBias: operands.inputs.count > 5 && operands.inputs[5] != nil))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (a, b) = (try inputs.tensor(0), try inputs.tensor(2))
    guard let depth = a.shape.last, depth > 0, b.count % depth == 0 else {
      throw OperatorError("inner-extents", "\(a.shape) and \(b.shape) have no extent to sum over in common")
    }
    let columns = b.count / depth
    let (left, right) = (try a.integers(), try b.integers())
    let (sa, sb, sy) = (try inputs.tensor(1).doubles(), try inputs.tensor(3).doubles(), try inputs.tensor(4).doubles())
    let bias = try inputs.optionalTensor(5)?.doubles()
    let addend = try inputs.optionalTensor(6)?.doubles()
    let sc = try inputs.optionalTensor(7)?.doubles().first ?? 1
    guard let scale = sa.first, let result = sy.first, result != 0, sb.count == 1 || sb.count == columns,
      bias.map({ $0.count == columns }) ?? true,
      addend.map({ !$0.isEmpty && a.count / depth * columns % $0.count == 0 }) ?? true
    else { throw OperatorError("scale-shape", "scales, bias or addend do not fit \(columns) columns") }
    let rows = a.count / depth
    var stored: [Int64] = []
    stored.reserveCapacity(rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        var sum: Int64 = 0
        for index in 0..<depth { sum += left[row * depth + index] * right[column * depth + index] }
        var y = Double(sum) * scale * sb[sb.count == 1 ? 0 : column] + (bias?[column] ?? 0)
        if let addend { y += addend[(row * columns + column) % addend.count] * sc }
        stored.append((y / result).rounded(.toNearestOrEven).clampedInt64)
      }
    }
    return [.tensor(Tensor(.int8, a.shape.dropLast() + [columns], saturating: stored))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "QOrderedMatMul")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> OrderedMatrixMultiply {
    try node.checkOrder("order_A", .rows)
    try node.checkOrder("order_B", .columns)
    try node.checkOrder("order_Y", .rows)
    return OrderedMatrixMultiply()
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "QOrderedMatMul"),
      [
        ("order_A", .integer(MatrixOrder.rows.rawValue)), ("order_B", .integer(MatrixOrder.columns.rawValue)),
        ("order_Y", .integer(MatrixOrder.rows.rawValue)),
      ])
  }
}

/// How a matrix lies in memory, in the numbers of cublasLt; the tiled orders 2 to 4 are not read.
enum MatrixOrder: Int {
  case columns = 0
  case rows = 1
}

extension ONNXNode {
  /// Takes an order attribute, which must be the wanted one; absent, it is.
  mutating func checkOrder(_ attribute: String, _ wanted: MatrixOrder) throws(OperatorError) {
    guard let order = try integer(attribute), order != wanted.rawValue else { return }
    throw OperatorError("matrix-order", "'\(attribute)' is \(order): only row by row (1) with weights column by column (0) is supported")
  }
}
