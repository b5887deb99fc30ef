internal import Basic
package import Numerics

/// Removes or rounds the weights of a layer column by column and lets the columns still to come make up for each error, so
/// that the layer's output changes least: one sweep for GPTQ, SparseGPT and both at once.
///
/// With H = XᵀX + λI and Uᵀ·U = H⁻¹, an error e in column i is followed by w[j] −= e/U[i,i]·U[i,j] for j > i, which is the
/// optimal brain surgeon step of every row at once. Columns are swept in blocks, and a block's effect on later ones is one
/// matrix product. (Frantar et al.: GPTQ, arXiv:2210.17323; Frantar, Alistarh: SparseGPT, arXiv:2301.00774.)
package struct ColumnSweep: Sendable {
  package enum Order: Sendable, Hashable {
    /// As they stand; N:M groups need this.
    case natural
    /// Columns with the largest second moment first, while most others can still make up for them.
    case largestMomentFirst
  }

  /// λ as a share of the mean diagonal of XᵀX.
  package var damping = 0.01
  package var order = Order.natural
  package var pattern: SparsityPattern?
  /// Columns whose effect on the rest is applied together.
  package var block = 128

  package init(pattern: SparsityPattern? = nil, order: Order = .natural, damping: Double = 0.01) {
    self.pattern = pattern
    self.order = order
    self.damping = damping
  }

  package struct Outcome: Sendable {
    /// New weights, outputs × inputs.
    package let weights: Matrix
    /// Weights that stayed, in the layout of `weights`.
    package let isKept: [Bool]
    /// tr(Δ·XᵀX·Δᵀ): squared error of the layer's output over all calibration rows.
    package let error: Double
  }

  /// - Parameters:
  ///   - weights: outputs × inputs.
  ///   - moment: XᵀX over calibration rows, inputs × inputs.
  ///   - rounder: rounds what stays; nil leaves it.
  ///   - keeping: weights that may stay, in the layout of `weights`: an older mask that the sweep must respect.
  package func run(
    _ weights: Matrix, moment: Matrix, rounder: (any ColumnRounder)? = nil, keeping: [Bool]? = nil
  ) throws(LinearAlgebraError) -> Outcome {
    precondition(weights.columns == moment.rows && moment.isSquare, "weights and moments of different widths")
    let columns = sweepOrder(moment)
    var state = try SweepState(weights, moment, columns, damping: damping)
    if let keeping { state.remove(where: { !keeping[$0 * weights.columns + $1] }) }
    var rounder = rounder
    if let groups = rounder?.groupSize, order != .natural || pattern.map({ !$0.isCompatible(withGroupsOf: groups) }) == true {
      // Groups that are not swept in one piece take their scales from the weights as they were.
      for start in stride(from: 0, to: weights.columns, by: groups) {
        let range = start..<min(start + groups, weights.columns)
        rounder?.begin(range, weights.selecting(columns: Array(range)).transposed)
      }
      rounder = rounder.map { FixedScales(inner: $0) }
    }
    for start in stride(from: 0, to: columns.count, by: blockSize(rounder)) {
      sweep(start..<min(start + blockSize(rounder), columns.count), &state, &rounder)
    }
    return state.outcome(original: weights, moment: moment)
  }

  /// Blocks hold whole groups of the pattern and of the scales.
  private func blockSize(_ rounder: (any ColumnRounder)?) -> Int {
    var size = max(1, block)
    if case .structured(_, let of)? = pattern { size = (size + of - 1) / of * of }
    if let group = rounder?.groupSize, order == .natural { size = (size + group - 1) / group * group }
    return size
  }

  private func sweepOrder(_ moment: Matrix) -> [Int] {
    let natural = Array(0..<moment.rows)
    guard order == .largestMomentFirst else { return natural }
    let diagonal = moment.diagonal
    return natural.sorted { diagonal[$0] != diagonal[$1] ? diagonal[$0] > diagonal[$1] : $0 < $1 }
  }

  private func sweep(_ range: Range<Int>, _ state: inout SweepState, _ rounder: inout (any ColumnRounder)?) {
    if case .unstructured(let sparsity)? = pattern { state.maskBlock(range, sparsity: sparsity) }
    for column in range {
      if case .structured(let kept, let of)? = pattern, (column - range.lowerBound) % of == 0 {
        state.maskGroup(column..<min(column + of, range.upperBound), kept: kept, of: of)
      }
      if let size = rounder?.groupSize, (column - range.lowerBound) % size == 0 {
        let group = column..<min(column + size, range.upperBound)
        rounder?.begin(group, state.current(group))
      }
      state.settle(column, within: range, rounder)
    }
    state.carryOver(range)
  }
}

/// Rounds weights to what can be stored while a `ColumnSweep` runs.
package protocol ColumnRounder: Sendable {
  /// Columns that share scales found on the way; nil when scales are known beforehand.
  var groupSize: Int? { get }
  /// Called once per group of columns, with their weights as they are by then: columns × outputs.
  mutating func begin(_ columns: Range<Int>, _ current: Matrix)
  /// The representable number nearest to a weight.
  func round(_ value: Double, output: Int, column: Int) -> Double
}

extension ColumnRounder {
  package var groupSize: Int? { nil }
  package mutating func begin(_ columns: Range<Int>, _ current: Matrix) {}
}

/// A rounder whose scales are settled.
private struct FixedScales: ColumnRounder {
  let inner: any ColumnRounder
  func round(_ value: Double, output: Int, column: Int) -> Double { inner.round(value, output: output, column: column) }
}

extension SparsityPattern {
  fileprivate func isCompatible(withGroupsOf size: Int) -> Bool {
    if case .structured(_, let of) = self { size % of == 0 } else { true }
  }
}

/// Weights of the sweep, columns first: row i of `rows` is the i-th column in sweep order.
private struct SweepState {
  private var rows: Matrix
  private var errors: Matrix
  private let factor: Matrix
  private let columns: [Int]
  private var removed: [Bool]
  private let outputs: Int

  init(_ weights: Matrix, _ moment: Matrix, _ columns: [Int], damping: Double) throws(LinearAlgebraError) {
    self.columns = columns
    outputs = weights.rows
    rows = weights.transposed.selecting(rows: columns)
    errors = Matrix(zeros: columns.count, outputs)
    removed = [Bool](repeating: false, count: columns.count * outputs)
    var ordered = moment.selecting(rows: columns).selecting(columns: columns)
    // An input that is always zero says nothing about its weights: they go, and its row must not make the factor singular.
    for index in columns.indices where ordered[index, index] <= 0 {
      ordered[index, index] = 1
      for output in 0..<outputs { rows[index, output] = 0 }
    }
    factor = try ordered.withDamping(damping) { (damped) throws(LinearAlgebraError) in
      try damped.inverseOfPositiveDefinite().choleskyUpper()
    }
  }

  /// Removes weights by (output, column of the layer).
  mutating func remove(where isGone: (Int, Int) -> Bool) {
    for (index, column) in columns.enumerated() {
      for output in 0..<outputs where isGone(output, column) { removed[index * outputs + output] = true }
    }
  }

  func current(_ range: Range<Int>) -> Matrix { rows.selecting(rows: Array(range)) }

  /// What removing a weight costs: w²/U[i,i]².
  private func cost(_ column: Int, _ output: Int) -> Double {
    let ratio = rows[column, output] / factor[column, column]
    return ratio * ratio
  }

  /// Removes the cheapest share of a whole block, over all outputs together.
  mutating func maskBlock(_ range: Range<Int>, sparsity: Double) {
    let costs = range.flatMap { column in (0..<outputs).map { cost(column, $0) } }
    let count = Int((Double(costs.count) * sparsity).rounded())
    for index in costs.indices.sorted(by: { (costs[$0], $0) < (costs[$1], $1) }).prefix(count) {
      removed[range.lowerBound * outputs + index] = true
    }
  }

  /// Removes all but the `kept` dearest of every output's group.
  mutating func maskGroup(_ range: Range<Int>, kept: Int, of: Int) {
    let excess = range.count - kept * range.count / of
    for output in 0..<outputs {
      let order = range.sorted { (cost($0, output), $0) < (cost($1, output), $1) }
      for column in order.prefix(excess) { removed[column * outputs + output] = true }
    }
  }

  /// Gives a column its final weights and lets the rest of the block make up for the error.
  mutating func settle(_ column: Int, within range: Range<Int>, _ rounder: (any ColumnRounder)?) {
    let pivot = factor[column, column]
    var error = [Double](repeating: 0, count: outputs)
    for output in 0..<outputs {
      let value = rows[column, output]
      let final = removed[column * outputs + output] ? 0 : rounder?.round(value, output: output, column: columns[column]) ?? value
      error[output] = (value - final) / pivot
      rows[column, output] = final
      errors[column - range.lowerBound, output] = error[output]
    }
    rows.subtractOuter(factor.row(column), error, rows: (column + 1)..<range.upperBound)
  }

  /// Applies the errors of a finished block to all later columns.
  mutating func carryOver(_ range: Range<Int>) {
    rows.subtractProduct(ofRows: range, of: factor, with: errors, from: range.upperBound)
  }

  func outcome(original: Matrix, moment: Matrix) -> ColumnSweep.Outcome {
    var place = [Int](repeating: 0, count: columns.count)
    for (index, column) in columns.enumerated() { place[column] = index }
    let final = rows.selecting(rows: place).transposed
    var isKept = [Bool](repeating: true, count: final.elements.count)
    for output in 0..<outputs {
      for column in columns.indices { isKept[output * columns.count + column] = !removed[place[column] * outputs + output] }
    }
    return ColumnSweep.Outcome(weights: final, isKept: isKept, error: outputError(final - original, moment))
  }
}

/// tr(Δ·M·Δᵀ): squared error of the outputs of a layer whose weights changed by Δ, outputs × inputs.
package func outputError(_ change: Matrix, _ moment: Matrix) -> Double {
  let product = change * moment
  return zip(product.elements, change.elements).reduce(0) { $0 + $1.0 * $1.1 }
}
