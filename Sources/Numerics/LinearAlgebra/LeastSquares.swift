/// Linear least squares from normal equations, which can be gathered batch by batch.
package enum LeastSquares {
  /// W (inputs × outputs) that minimises ‖X·W − Y‖² + λ·‖W‖² with λ = `damping`·mean(diag XᵀX), from XᵀX and XᵀY.
  ///
  /// Damping grows tenfold until the system can be solved, so that dependent inputs are no error.
  package static func ridge(gram: Matrix, cross: Matrix, damping: Double) throws(LinearAlgebraError) -> Matrix {
    precondition(gram.isSquare && gram.rows == cross.rows, "normal equations of different sizes")
    return try gram.withDamping(damping) { (damped) throws(LinearAlgebraError) in try damped.solvingPositiveDefinite(cross) }
  }
}

extension Matrix {
  /// Runs `body` on A + λ·I with λ = `damping`·mean(diag A), ten times more for each attempt that finds it not positive definite.
  package func withDamping<Result>(
    _ damping: Double, _ body: (Matrix) throws(LinearAlgebraError) -> Result
  ) throws(LinearAlgebraError) -> Result {
    let diagonal = diagonal
    let mean = diagonal.isEmpty ? 0 : diagonal.reduce(0, +) / Double(diagonal.count)
    var share = damping
    while true {
      var damped = self
      let added = share * (mean > 0 ? mean : 1)
      for index in 0..<rows { damped[index, index] += added }
      do throws(LinearAlgebraError) { return try body(damped) } catch {
        guard case .notPositiveDefinite = error, share < 1 else { throw error }
        share = Swift.max(share * 10, 1e-9)
      }
    }
  }
}
