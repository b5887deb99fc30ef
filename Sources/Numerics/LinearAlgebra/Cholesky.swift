internal import CBLAS

extension Matrix {
  /// Lower L with A = L·Lᵀ of a symmetric positive definite matrix; only its lower triangle is read.
  package func choleskyLower() throws(LinearAlgebraError) -> Matrix { try factored(storedTriangle: "U", keepsLower: true) }

  /// Upper U with A = Uᵀ·U of a symmetric positive definite matrix; only its upper triangle is read.
  package func choleskyUpper() throws(LinearAlgebraError) -> Matrix { try factored(storedTriangle: "L", keepsLower: false) }

  /// A⁻¹ of a symmetric positive definite matrix, both triangles filled.
  package func inverseOfPositiveDefinite() throws(LinearAlgebraError) -> Matrix {
    var result = try choleskyLower()
    var (order, info) = (Int32(rows), Int32(0))
    // A row-major lower triangle is a column-major upper one.
    result.elements.withUnsafeMutableBufferPointer { LinearAlgebraLibrary.dpotri("U", &order, $0.baseAddress, &order, &info) }
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    for row in 0..<rows { for column in 0..<row { result[column, row] = result[row, column] } }
    return result
  }

  /// X with A·X = B for a symmetric positive definite A; B has one right-hand side per column.
  package func solvingPositiveDefinite(_ b: Matrix) throws(LinearAlgebraError) -> Matrix {
    precondition(b.rows == rows, "right-hand side of \(b.rows) rows for \(rows) unknowns")
    let factor = try choleskyLower()
    // Column-major right-hand sides are the transposed row-major ones.
    var x = b.transposed
    var (order, sides, info) = (Int32(rows), Int32(b.columns), Int32(0))
    guard b.columns > 0, rows > 0 else { return b }
    x.elements.withUnsafeMutableBufferPointer { target in
      factor.elements.withUnsafeBufferPointer { source in
        LinearAlgebraLibrary.dpotrs("U", &order, &sides, source.baseAddress, &order, target.baseAddress, &order, &info)
      }
    }
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    return x.transposed
  }

  private func factored(storedTriangle: String, keepsLower: Bool) throws(LinearAlgebraError) -> Matrix {
    precondition(isSquare, "a Cholesky factor of a matrix of \(rows) × \(columns)")
    guard elements.allSatisfy(\.isFinite) else { throw .notFinite }
    _ = LinearAlgebraThreads.areSerial
    var result = self
    var (order, info) = (Int32(rows), Int32(0))
    guard rows > 0 else { return result }
    result.elements.withUnsafeMutableBufferPointer { LinearAlgebraLibrary.dpotrf(storedTriangle, &order, $0.baseAddress, &order, &info) }
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    for row in 0..<rows {
      let outside = keepsLower ? (row + 1)..<columns : 0..<row
      for column in outside { result[row, column] = 0 }
    }
    return result
  }
}
