package import Numerics

/// W ≈ A·B with r columns in A, chosen so that the layer's *outputs* change least on the calibration data.
///
/// With S = XᵀX, the best rank-r map for the outputs Y = X·Wᵀ keeps their r largest principal directions: A holds the
/// eigenvectors of W·S·Wᵀ with the largest eigenvalues, B = Aᵀ·W. That equals the truncated singular value decomposition of
/// the whitened weights W·S^½ without taking a root. (Yuan et al.: ASVD, arXiv:2312.05821; Wang et al.: SVD-LLM,
/// arXiv:2403.07378.)
package struct LowRankFactors: Sendable {
  /// outputs × rank, orthonormal columns.
  package let a: Matrix
  /// rank × inputs.
  package let b: Matrix
  /// Share of the outputs' energy that is kept.
  package let energy: Double

  package init(_ weights: Matrix, moment: Matrix, rank: Int) throws(LinearAlgebraError) {
    let eigen = try SymmetricEigen(of: (weights * moment).times(weights, transposingOther: true))
    let order = Array(eigen.values.indices.reversed().prefix(max(1, rank)))
    let rows = eigen.vectors.selecting(rows: order)
    a = rows.transposed
    b = rows * weights
    let total = eigen.values.reduce(0) { $0 + max(0, $1) }
    energy = total > 0 ? order.reduce(0) { $0 + max(0, eigen.values[$1]) } / total : 1
  }

  package var product: Matrix { a * b }

  /// The smallest rank that keeps a share of the outputs' energy.
  package static func rank(_ weights: Matrix, moment: Matrix, energy: Double) throws(LinearAlgebraError) -> Int {
    let values = try SymmetricEigen(of: (weights * moment).times(weights, transposingOther: true)).values.map { max(0, $0) }
    let total = values.reduce(0, +)
    var sum = 0.0
    for (index, value) in values.reversed().enumerated() {
      sum += value
      if sum >= energy * total { return index + 1 }
    }
    return max(1, values.count)
  }
}
