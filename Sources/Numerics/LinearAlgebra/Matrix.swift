internal import CBLAS

/// A dense matrix of doubles in row-major order: the currency of the linear algebra here.
package struct Matrix: Sendable, Equatable {
  package private(set) var rows: Int
  package private(set) var columns: Int
  /// `rows × columns` elements, row after row.
  package var elements: [Double]

  package init(rows: Int, columns: Int, _ elements: [Double]) {
    precondition(elements.count == rows * columns, "\(elements.count) elements for a matrix of \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  package init(zeros rows: Int, _ columns: Int) {
    self.init(rows: rows, columns: columns, [Double](repeating: 0, count: rows * columns))
  }

  package static func identity(_ size: Int) -> Matrix { diagonal([Double](repeating: 1, count: size)) }

  package static func diagonal(_ values: [Double]) -> Matrix {
    var result = Matrix(zeros: values.count, values.count)
    for (index, value) in values.enumerated() { result[index, index] = value }
    return result
  }

  package subscript(_ row: Int, _ column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  package func row(_ index: Int) -> ArraySlice<Double> { elements[(index * columns)..<((index + 1) * columns)] }

  package var isSquare: Bool { rows == columns }

  /// The elements (i, i) of a square matrix.
  package var diagonal: [Double] { (0..<min(rows, columns)).map { self[$0, $0] } }

  package var transposed: Matrix {
    var result = Matrix(zeros: columns, rows)
    result.elements.withUnsafeMutableBufferPointer { target in
      elements.withUnsafeBufferPointer { source in
        for row in 0..<rows { for column in 0..<columns { target[column * rows + row] = source[row * columns + column] } }
      }
    }
    return result
  }

  /// The given rows, in the given order.
  package func selecting(rows chosen: [Int]) -> Matrix {
    Matrix(rows: chosen.count, columns: columns, chosen.flatMap { row($0) })
  }

  /// The given columns, in the given order.
  package func selecting(columns chosen: [Int]) -> Matrix {
    var result = Matrix(zeros: rows, chosen.count)
    for row in 0..<rows { for (index, column) in chosen.enumerated() { result[row, index] = self[row, column] } }
    return result
  }

  package static func * (a: Matrix, b: Matrix) -> Matrix { a.times(b) }

  /// op(A)·op(B), where op optionally transposes.
  package func times(_ other: Matrix, transposingSelf: Bool = false, transposingOther: Bool = false) -> Matrix {
    let (m, k) = transposingSelf ? (columns, rows) : (rows, columns)
    let (depth, n) = transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(k == depth, "inner extents \(k) and \(depth) differ")
    _ = LinearAlgebraThreads.areSerial
    var result = Matrix(zeros: m, n)
    guard m > 0, n > 0, k > 0 else { return result }
    result.elements.withUnsafeMutableBufferPointer { c in
      LinearAlgebraLibrary.dgemm(
        CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans, transposingOther ? CblasTrans : CblasNoTrans, Int32(m), Int32(n),
        Int32(k), 1, elements, Int32(columns), other.elements, Int32(other.columns), 0, c.baseAddress, Int32(n))
    }
    return result
  }

  /// C[rows from `first`] −= A[range, rows from `first`]ᵀ·B, the delayed update of a blocked elimination.
  ///
  /// A is `range.count` rows of a square matrix of C's row count, B the `range.count × columns` errors.
  package mutating func subtractProduct(ofRows range: Range<Int>, of a: Matrix, with b: Matrix, from first: Int) {
    let depth = range.count
    let height = rows - first
    guard height > 0, depth > 0, columns > 0 else { return }
    precondition(a.columns == rows && b.rows >= depth && b.columns == columns, "shapes of a delayed update do not fit")
    let width = columns
    elements.withUnsafeMutableBufferPointer { c in
      a.elements.withUnsafeBufferPointer { a in
        b.elements.withUnsafeBufferPointer { b in
          guard let target = c.baseAddress, let left = a.baseAddress, let right = b.baseAddress else { return }
          LinearAlgebraLibrary.dgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, Int32(height), Int32(width), Int32(depth), -1,
            left + range.lowerBound * (height + first) + first, Int32(height + first), right, Int32(width), 1, target + first * width,
            Int32(width))
        }
      }
    }
  }

  /// C[r,·] −= factors[r]·b for the given rows: what one settled column does to the others of its block.
  package mutating func subtractOuter(_ factors: ArraySlice<Double>, _ b: [Double], rows range: Range<Int>) {
    guard !range.isEmpty, columns > 0 else { return }
    precondition(factors.count == rows && b.count == columns && range.upperBound <= rows, "shapes of an outer product do not fit")
    let width = columns
    elements.withUnsafeMutableBufferPointer { c in
      factors.withUnsafeBufferPointer { factors in
        guard let target = c.baseAddress, let x = factors.baseAddress else { return }
        LinearAlgebraLibrary.dger(
          CblasRowMajor, Int32(range.count), Int32(width), -1, x + range.lowerBound, 1, b, 1, target + range.lowerBound * width,
          Int32(width))
      }
    }
  }

  package static func + (a: Matrix, b: Matrix) -> Matrix { a.combined(b, +) }
  package static func - (a: Matrix, b: Matrix) -> Matrix { a.combined(b, -) }
  package static func * (factor: Double, a: Matrix) -> Matrix {
    Matrix(rows: a.rows, columns: a.columns, a.elements.map { factor * $0 })
  }

  private func combined(_ other: Matrix, _ operation: (Double, Double) -> Double) -> Matrix {
    precondition(rows == other.rows && columns == other.columns, "shapes differ")
    return Matrix(rows: rows, columns: columns, zip(elements, other.elements).map(operation))
  }

  /// Σ aᵢⱼ²
  package var squaredNorm: Double { elements.reduce(0) { $0 + $1 * $1 } }
}

/// Why a factorisation or a solution does not exist.
package enum LinearAlgebraError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The leading minor of this order is not positive.
  case notPositiveDefinite(order: Int)
  case notConverged(routine: String)
  case notFinite

  package var description: String {
    switch self {
    case .notPositiveDefinite(let order): "the matrix is not positive definite (leading minor \(order)); more damping or data is needed"
    case .notConverged(let routine): "\(routine) did not converge"
    case .notFinite: "the matrix has elements that are not finite"
    }
  }
}
