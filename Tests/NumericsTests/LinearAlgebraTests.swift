import Numerics
import Testing

@Suite struct LinearAlgebraTests {
  /// Deterministic values in −1 … 1.
  private func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var state = seed
    return Matrix(
      rows: rows, columns: columns,
      (0..<rows * columns).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int64(bitPattern: state) >> 11) / 0x1p52
      })
  }

  private func positiveDefinite(_ size: Int, seed: UInt64) -> Matrix {
    let a = matrix(size + 3, size, seed: seed)
    return a.times(a, transposingSelf: true) + 0.1 * Matrix.identity(size)
  }

  @Test(arguments: [1, 2, 7, 33])
  func choleskyFactorsMultiplyBack(size: Int) throws {
    let a = positiveDefinite(size, seed: 3)
    let l = try a.choleskyLower()
    let u = try a.choleskyUpper()
    #expect((l.times(l, transposingOther: true) - a).squaredNorm < 1e-20)
    #expect((u.times(u, transposingSelf: true) - a).squaredNorm < 1e-20)
    for row in 0..<size { for column in 0..<row { #expect(l[column, row] == 0 && u[row, column] == 0) } }
  }

  @Test(arguments: [1, 5, 24])
  func inverseAndSolutionAgree(size: Int) throws {
    let a = positiveDefinite(size, seed: 5)
    let inverse = try a.inverseOfPositiveDefinite()
    #expect((a * inverse - .identity(size)).squaredNorm < 1e-18)
    let b = matrix(size, 3, seed: 9)
    #expect((try a.solvingPositiveDefinite(b) - inverse * b).squaredNorm < 1e-18)
  }

  @Test func indefiniteMatricesAreNamed() {
    let a = Matrix(rows: 2, columns: 2, [1, 2, 2, 1])
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 2)) { try a.choleskyLower() }
    #expect(throws: LinearAlgebraError.notFinite) { try Matrix(rows: 1, columns: 1, [.nan]).choleskyUpper() }
  }

  @Test func eigenvectorsMultiplyBack() throws {
    let a = positiveDefinite(12, seed: 23)
    let eigen = try SymmetricEigen(of: a)
    #expect((eigen.vectors.times(Matrix.diagonal(eigen.values) * eigen.vectors, transposingSelf: true) - a).squaredNorm < 1e-18)
  }

  @Test func ridgeFindsTheLineAndToleratesCopies() throws {
    // y = 2·x₀ − x₁; the third input copies the first, so that the normal equations are singular.
    let x = matrix(40, 2, seed: 31)
    let doubled = Matrix(rows: 40, columns: 3, (0..<40).flatMap { [x[$0, 0], x[$0, 1], x[$0, 0]] })
    let y = x * Matrix(rows: 2, columns: 1, [2, -1])
    let w = try LeastSquares.ridge(
      gram: doubled.times(doubled, transposingSelf: true), cross: doubled.times(y, transposingSelf: true), damping: 0)
    #expect((doubled * w - y).squaredNorm < 1e-6)
  }

  @Test func accumulatedMomentsEqualTheProducts() {
    let x = matrix(10, 4, seed: 41)
    let y = matrix(10, 2, seed: 43)
    var gram = GramAccumulator(width: 4)
    var cross = CrossAccumulator(inputs: 4, outputs: 2)
    for rows in [0..<6, 6..<10] {
      let floats = rows.flatMap { x.row($0) }.map(Float.init)
      gram.add(rows: floats)
      cross.add(floats, rows.flatMap { y.row($0) }.map(Float.init))
    }
    #expect(gram.count == 10)
    #expect((gram.gram - x.times(x, transposingSelf: true)).squaredNorm < 1e-10)
    #expect((cross.cross - x.times(y, transposingSelf: true)).squaredNorm < 1e-10)
  }

  @Test func delayedUpdateEqualsTheProduct() {
    let a = matrix(6, 6, seed: 51)
    let b = matrix(2, 3, seed: 53)
    var c = matrix(6, 3, seed: 55)
    let before = c
    c.subtractProduct(ofRows: 1..<3, of: a, with: b, from: 3)
    for row in 0..<6 {
      for column in 0..<3 {
        let expected = row < 3 ? before[row, column] : before[row, column] - a[1, row] * b[0, column] - a[2, row] * b[1, column]
        #expect(abs(c[row, column] - expected) < 1e-12)
      }
    }
  }
}
