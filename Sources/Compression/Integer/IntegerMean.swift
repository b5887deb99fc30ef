internal import IR
internal import Ops

/// A mean of stored numbers as a sum of integers, whose scale is divided by how many there are: mean = s/n · Σ(q − z).
struct IntegerMean {
  private let axes: [Int]
  private let keepsAxes: Bool
  private let codes: IntegerValue.Codes

  /// Nil when the node is no mean of stored numbers of one scale along axes that are known.
  init?(_ node: Node, _ operands: [IntegerValue?]) throws(OperatorError) {
    guard case .codes(let codes)? = operands.first ?? nil, codes.scales.count == 1 else { return nil }
    let rank = codes.tensor.rank
    switch node.operation {
    case let pool as GlobalPool where pool.function == .average && rank > 2:
      (axes, keepsAxes) = (Array(2..<rank), true)
    case let reduce as Reduce where reduce.function == .mean:
      let given = operands.count > 1 ? try operands[1]?.tensor().integers().map { Int($0) } : nil
      guard let given, !given.isEmpty else { return nil }
      (axes, keepsAxes) = (try resolveAxes(given, rank: rank), reduce.keepsAxes)
    default: return nil
    }
    self.codes = codes
  }

  func sums() throws(OperatorError) -> IntegerValue.Sums {
    let reduced = ReducedShape(codes.tensor.shape, axes: axes)
    var values = [Int64](repeating: 0, count: reduced.count)
    let x = try codes.centred()
    reduced.forEach { element, row in values[row] += x[element] }
    let scale = codes.scales[0] / Float(max(1, x.count / max(1, values.count)))
    return IntegerValue.Sums(shape: keepsAxes ? reduced.kept : reduced.dropped, values: values, scales: [scale], inner: 1)
  }
}
