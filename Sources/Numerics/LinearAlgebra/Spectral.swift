internal import CBLAS

/// A = U·diag(σ)·Vᵀ with σ in descending order; U is rows × r, Vᵀ r × columns, r the smaller extent.
package struct SingularValues: Sendable {
  package let u: Matrix
  package let values: [Double]
  package let vTransposed: Matrix

  package init(of a: Matrix) throws(LinearAlgebraError) {
    guard a.elements.allSatisfy(\.isFinite) else { throw .notFinite }
    _ = LinearAlgebraThreads.areSerial
    let (rank, rows, columns) = (min(a.rows, a.columns), a.rows, a.columns)
    guard rank > 0 else {
      (u, values, vTransposed) = (Matrix(zeros: rows, 0), [], Matrix(zeros: 0, columns))
      return
    }
    // In column-major eyes the row-major A is Aᵀ = V·diag(σ)·Uᵀ: the routine's U is our V.
    var copy = a.elements
    var sigma = [Double](repeating: 0, count: rank)
    var right = [Double](repeating: 0, count: columns * rank)
    var left = [Double](repeating: 0, count: rank * rows)
    var integers = [Int32](repeating: 0, count: 8 * rank)
    var (m, n, r, info) = (Int32(columns), Int32(rows), Int32(rank), Int32(0))
    func call(_ work: inout [Double], _ size: Int) {
      var length = Int32(size)
      LinearAlgebraLibrary.dgesdd("S", &m, &n, &copy, &m, &sigma, &right, &m, &left, &r, &work, &length, &integers, &info)
    }
    var query = [0.0]
    call(&query, -1)
    var work = [Double](repeating: 0, count: max(1, Int(query[0])))
    call(&work, work.count)
    guard info == 0 else { throw .notConverged(routine: "the singular value decomposition") }
    u = Matrix(rows: rows, columns: rank, left)
    values = sigma
    vTransposed = Matrix(rows: rank, columns: columns, right)
  }
}

/// A = Vᵀ·diag(λ)·V of a symmetric matrix with λ in ascending order; row i of `vectors` belongs to `values[i]`.
package struct SymmetricEigen: Sendable {
  package let values: [Double]
  package let vectors: Matrix

  package init(of a: Matrix) throws(LinearAlgebraError) {
    precondition(a.isSquare, "eigenvalues of a matrix of \(a.rows) × \(a.columns)")
    guard a.elements.allSatisfy(\.isFinite) else { throw .notFinite }
    _ = LinearAlgebraThreads.areSerial
    let size = a.rows
    guard size > 0 else {
      (values, vectors) = ([], a)
      return
    }
    var v = a.elements
    var lambda = [Double](repeating: 0, count: size)
    var (n, info) = (Int32(size), Int32(0))
    func call(_ work: inout [Double], _ length: Int, _ integers: inout [Int32], _ integerLength: Int) {
      var (l, i) = (Int32(length), Int32(integerLength))
      LinearAlgebraLibrary.dsyevd("V", "U", &n, &v, &n, &lambda, &work, &l, &integers, &i, &info)
    }
    var (query, integerQuery) = ([0.0], [Int32(0)])
    call(&query, -1, &integerQuery, -1)
    var work = [Double](repeating: 0, count: max(1, Int(query[0])))
    var integers = [Int32](repeating: 0, count: max(1, Int(integerQuery[0])))
    call(&work, work.count, &integers, integers.count)
    guard info == 0 else { throw .notConverged(routine: "the symmetric eigenvalue decomposition") }
    values = lambda
    vectors = Matrix(rows: size, columns: size, v)
  }
}
