internal import CBLAS

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
