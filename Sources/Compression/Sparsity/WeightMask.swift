package import Numerics

/// Which weights of a layer are removed when nothing makes up for them.
package enum WeightMask {
  /// How dear a weight is.
  package enum Score: Sendable, Hashable {
    /// |w|
    case magnitude
    /// |w|·‖x‖₂ of its input over the calibration rows (Sun et al.: Wanda, arXiv:2306.11695).
    case weightTimesActivation
  }

  /// Kept weights, in the layout of `weights` (outputs × inputs).
  ///
  /// N:M keeps the dearest of every group of every output. A share is taken over the whole layer by magnitude, and output by
  /// output with activations, as their authors do.
  package static func kept(_ weights: Matrix, _ pattern: SparsityPattern, _ score: Score, moment: Matrix?) -> [Bool] {
    let norms = score == .weightTimesActivation ? moment?.diagonal.map { $0.squareRoot() } : nil
    let columns = weights.columns
    let scores = weights.elements.enumerated().map { index, w in w.magnitude * (norms?[index % columns] ?? 1) }
    switch pattern {
    case .unstructured(let sparsity):
      let pools = norms == nil ? [0..<scores.count] : (0..<weights.rows).map { ($0 * columns)..<(($0 + 1) * columns) }
      return removing(scores, pools) { Int((Double($0) * sparsity).rounded()) }
    case .structured(let kept, let of):
      let pools = (0..<weights.rows).flatMap { row in
        stride(from: 0, to: columns, by: of).map { (row * columns + $0)..<(row * columns + min($0 + of, columns)) }
      }
      return removing(scores, pools) { $0 - kept * $0 / of }
    }
  }

  /// Removes the cheapest of every pool; of equal ones the first.
  private static func removing(_ scores: [Double], _ pools: [Range<Int>], _ count: (Int) -> Int) -> [Bool] {
    var isKept = [Bool](repeating: true, count: scores.count)
    for pool in pools {
      for index in pool.sorted(by: { (scores[$0], $0) < (scores[$1], $1) }).prefix(count(pool.count)) { isKept[index] = false }
    }
    return isKept
  }
}

extension Matrix {
  /// The weights that stay; zeros elsewhere.
  func masked(_ isKept: [Bool]) -> Matrix {
    Matrix(rows: rows, columns: columns, zip(elements, isKept).map { $1 ? $0 : 0 })
  }
}
