internal import CBLAS
internal import IR

/// A stack of matrix products cut into pieces of similar work; the cut depends on the extents only.
struct MatrixPieces {
  private let problem: MatrixProblem
  /// Products per piece, or parts per product.
  private let stack: Int
  private let rows: Int
  private let columns: Int
  private let rowParts: Int
  private let columnParts: Int

  /// Multiply-accumulates worth handing to another core.
  private static let worthSharing = 1 << 20

  init(_ problem: MatrixProblem) {
    self.problem = problem
    let work = max(1, problem.m * problem.n * problem.k)
    stack = max(1, min(problem.offsets.count, MatrixPieces.worthSharing / work))
    let parts = problem.offsets.count >= 4 ? 1 : min(4, work / MatrixPieces.worthSharing)
    func size(_ extent: Int) -> Int { parts <= 1 ? extent : ((extent + parts - 1) / parts + 15) / 16 * 16 }
    rows = problem.m > problem.n ? size(problem.m) : problem.m
    columns = problem.m > problem.n ? problem.n : size(problem.n)
    rowParts = (problem.m + rows - 1) / max(rows, 1)
    columnParts = (problem.n + columns - 1) / max(columns, 1)
  }

  var count: Int { (problem.offsets.count + stack - 1) / stack * rowParts * columnParts }

  /// A product of some rows of A with some columns of B.
  struct Part {
    let problem: MatrixProblem
    let offset: (a: Int, b: Int)
    let rows: Range<Int>
    let columns: Range<Int>
    /// Where the result begins.
    let output: Int

    func a(_ x: UnsafePointer<Float>, from depth: Int = 0) -> UnsafePointer<Float> {
      x + offset.a + (problem.transposesA ? rows.lowerBound + depth * problem.m : rows.lowerBound * problem.k + depth)
    }

    func b(_ y: UnsafePointer<Float>, from depth: Int = 0) -> UnsafePointer<Float> {
      y + offset.b + (problem.transposesB ? columns.lowerBound * problem.k + depth : columns.lowerBound + depth * problem.n)
    }

    /// C = A·B over `depths` of k (all by default), in rows `rowStride` apart.
    func multiply(
      _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>, rowStride: Int,
      depths: Range<Int>? = nil
    ) {
      let depths = depths ?? 0..<problem.k
      let (aStride, bStride) = (problem.transposesA ? problem.m : problem.k, problem.transposesB ? problem.k : problem.n)
      let (left, right) = (a(x, from: depths.lowerBound), b(y, from: depths.lowerBound))
      if problem.m == 1 {
        // One row: a matrix–vector product reads B once, without packing it.
        LinearAlgebraLibrary.sgemv(
          CblasRowMajor, problem.transposesB ? CblasNoTrans : CblasTrans,
          Int32(problem.transposesB ? columns.count : depths.count), Int32(problem.transposesB ? depths.count : columns.count),
          1, right, Int32(bStride), left, 1, 0, c, 1)
        return
      }
      LinearAlgebraLibrary.sgemm(
        CblasRowMajor, problem.transposesA ? CblasTrans : CblasNoTrans, problem.transposesB ? CblasTrans : CblasNoTrans,
        Int32(rows.count), Int32(columns.count), Int32(depths.count), 1, left, Int32(aStride), right, Int32(bStride), 0, c,
        Int32(rowStride))
    }
  }

  func parts(_ piece: Int) -> [Part] {
    let (group, rest) = (piece / (rowParts * columnParts), piece % (rowParts * columnParts))
    let (row, column) = (rest / columnParts * rows, rest % columnParts * columns)
    return (group * stack..<min(problem.offsets.count, (group + 1) * stack)).map { index in
      Part(
        problem: problem, offset: problem.offsets[index], rows: row..<min(problem.m, row + rows),
        columns: column..<min(problem.n, column + columns), output: (index * problem.m + row) * problem.n + column)
    }
  }
}
