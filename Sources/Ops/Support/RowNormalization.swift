package import IR

/// Statistics of one row: mean and biased variance.
package struct Moments {
  package var mean: Double
  package var variance: Double

  package init(_ values: some Sequence<Double>) {
    var count = 0.0
    var sum = 0.0
    for value in values {
      sum += value
      count += 1
    }
    let average = sum / count
    var squares = 0.0
    for value in values { squares += (value - average) * (value - average) }
    mean = average
    variance = squares / count
  }

  /// 1/√(variance + ε)
  package func inverseDeviation(_ epsilon: Double) -> Double { 1 / (variance + epsilon).squareRoot() }
}

extension OperandTypes {
  /// `rows` independent normalisations of `columns` elements: two sums, then one pass that scales.
  package func normalization(rows: Int, columns: Int, simple: Int = 6, special: Int = 0) throws(OperatorError) -> Computation {
    .reduction(
      Reduction(
        kind: .normalization, rows: rows, columns: columns, inputs: try presentInputs(), outputs: try allOutputs(),
        costPerElement: ArithmeticCost(simple: simple, special: special)))
  }
}
