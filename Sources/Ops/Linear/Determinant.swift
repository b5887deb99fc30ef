package import IR

/// Determinants of stacked square matrices. Input: [batch…, m, m]. Output: [batch…].
package struct Determinant: ONNXOperator {
  package static let name = "determinant"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 2 else { throw OperatorError("ranks-match", "a determinant needs matrices, not \(x.shape.text)") }
    if let rows = x.shape[x.rank - 2].constant, let columns = x.shape[x.rank - 1].constant, rows != columns {
      throw OperatorError("square", "\(rows) × \(columns) matrices have no determinant")
    }
    return [.tensor(TensorType(x.element, Array(x.shape.dropLast(2))))]
  }

  /// Elimination: about m³/3 multiply-adds per matrix, m/3·2 per element.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let m = shape.last ?? 1
    return .reduction(
      Reduction(
        kind: .product, rows: try operands.output().count, columns: m * m, inputs: [try operands.input(0)],
        outputs: [try operands.output()], costPerElement: ArithmeticCost(simple: max(1, 2 * m / 3))))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard x.rank >= 2, let m = x.shape.last, x.shape[x.rank - 2] == m else {
      throw OperatorError("square", "a determinant needs square matrices")
    }
    let values = try x.doubles()
    let shape = Array(x.shape.dropLast(2))
    let result = (0..<shape.reduce(1, *)).map { determinant(Array(values[($0 * m * m)..<(($0 + 1) * m * m)]), m) }
    return [.tensor(Tensor(x.element, shape, rounding: result))]
  }

  /// Gaussian elimination with row exchange.
  private func determinant(_ matrix: [Double], _ m: Int) -> Double {
    var a = matrix
    var product = 1.0
    for column in 0..<m {
      var pivot = column
      for row in column..<m where a[row * m + column].magnitude > a[pivot * m + column].magnitude { pivot = row }
      let value = a[pivot * m + column]
      if value == 0 { return 0 }
      if pivot != column {
        product = -product
        for index in 0..<m { a.swapAt(pivot * m + index, column * m + index) }
      }
      product *= value
      for row in (column + 1)..<max(m, column + 1) {
        let factor = a[row * m + column] / value
        for index in column..<m { a[row * m + index] -= factor * a[column * m + index] }
      }
    }
    return product
  }

  package static var onnxNames: [ONNXName] { ["Det"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Determinant { Determinant() }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Det") }
}
