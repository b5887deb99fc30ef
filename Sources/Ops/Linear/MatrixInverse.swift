package import IR

/// Inverses of stacked square matrices (com.microsoft Inverse). Input: [batch…, m, m]. Output: the same shape.
package struct MatrixInverse: ONNXOperator {
  package static let name = "inverse"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank >= 2 else { throw OperatorError("ranks-match", "an inverse needs matrices, not \(x.shape.text)") }
    if let rows = x.shape[x.rank - 2].constant, let columns = x.shape[x.rank - 1].constant, rows != columns {
      throw OperatorError("square", "\(rows) × \(columns) matrices have no inverse")
    }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  /// Elimination of the matrix beside the identity: about m³ multiply-adds per matrix, 2·m operations per element.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: 0)
    let m = max(1, shape.last ?? 1)
    return .reduction(
      Reduction(
        kind: .sum, rows: try operands.output().count / (m * m), columns: m * m, inputs: [try operands.input(0)],
        outputs: [try operands.output()], costPerElement: ArithmeticCost(simple: 2 * m)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    guard x.rank >= 2, let m = x.shape.last, x.shape[x.rank - 2] == m else {
      throw OperatorError("square", "an inverse needs square matrices")
    }
    let values = try x.doubles()
    var result: [Double] = []
    result.reserveCapacity(values.count)
    for start in stride(from: 0, to: values.count, by: max(1, m * m)) {
      result += try inverse(Array(values[start..<(start + m * m)]), m)
    }
    return [.tensor(Tensor(x.element, x.shape, rounding: result))]
  }

  /// Gauss-Jordan elimination with row exchange.
  private func inverse(_ matrix: [Double], _ m: Int) throws(OperatorError) -> [Double] {
    var a = matrix
    var b = [Double](repeating: 0, count: m * m)
    for index in 0..<m { b[index * m + index] = 1 }
    for column in 0..<m {
      var pivot = column
      for row in column..<m where a[row * m + column].magnitude > a[pivot * m + column].magnitude { pivot = row }
      let value = a[pivot * m + column]
      guard value != 0 else { throw OperatorError("singular", "a matrix has no inverse") }
      for index in 0..<m {
        a.swapAt(pivot * m + index, column * m + index)
        b.swapAt(pivot * m + index, column * m + index)
      }
      for index in 0..<m {
        a[column * m + index] /= value
        b[column * m + index] /= value
      }
      for row in 0..<m where row != column {
        let factor = a[row * m + column]
        for index in 0..<m {
          a[row * m + index] -= factor * a[column * m + index]
          b[row * m + index] -= factor * b[column * m + index]
        }
      }
    }
    return b
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "Inverse")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> MatrixInverse { MatrixInverse() }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(domain: "com.microsoft", "Inverse")) }
}
