internal import CBLAS

/// Σ xᵀx and Σ x over rows of single-precision activations, kept in double precision, batch by batch in the order given.
package struct GramAccumulator: Sendable {
  package let width: Int
  /// Σ x[i]·x[j]; both triangles are filled by `gram`.
  private var upper: [Double]
  package private(set) var sum: [Double]
  package private(set) var count = 0

  package init(width: Int) {
    _ = LinearAlgebraThreads.areSerial
    self.width = width
    upper = [Double](repeating: 0, count: width * width)
    sum = [Double](repeating: 0, count: width)
  }

  /// Adds rows of `width` elements each.
  package mutating func add(rows: [Float]) {
    guard width > 0, !rows.isEmpty else { return }
    let height = rows.count / width
    count += height
    var partial = [Float](repeating: 0, count: width * width)
    LinearAlgebraLibrary.ssyrk(
      CblasRowMajor, CblasUpper, CblasTrans, Int32(width), Int32(height), 1, rows, Int32(width), 0, &partial, Int32(width))
    for row in 0..<width { for index in (row * width + row)..<((row + 1) * width) { upper[index] += Double(partial[index]) } }
    rows.withUnsafeBufferPointer { rows in
      sum.withUnsafeMutableBufferPointer { sum in
        for row in 0..<height { for column in 0..<sum.count { sum[column] += Double(rows[row * sum.count + column]) } }
      }
    }
  }

  /// XᵀX
  package var gram: Matrix {
    var result = Matrix(rows: width, columns: width, upper)
    for row in 0..<width { for column in 0..<row { result[row, column] = result[column, row] } }
    return result
  }
}

/// Σ xᵀy over paired rows of single-precision activations, kept in double precision.
package struct CrossAccumulator: Sendable {
  package private(set) var cross: Matrix

  package init(inputs: Int, outputs: Int) {
    _ = LinearAlgebraThreads.areSerial
    cross = Matrix(zeros: inputs, outputs)
  }

  /// Adds rows of x (inputs each) and the same number of rows of y (outputs each).
  package mutating func add(_ x: [Float], _ y: [Float]) {
    let (inputs, outputs) = (cross.rows, cross.columns)
    guard inputs > 0, outputs > 0, !x.isEmpty else { return }
    let height = x.count / inputs
    precondition(height * outputs == y.count, "\(height) rows of inputs against \(y.count / outputs) of outputs")
    var partial = [Float](repeating: 0, count: inputs * outputs)
    LinearAlgebraLibrary.sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, Int32(inputs), Int32(outputs), Int32(height), 1, x, Int32(inputs), y, Int32(outputs), 0,
      &partial, Int32(outputs))
    cross.elements.withUnsafeMutableBufferPointer { target in
      for index in target.indices { target[index] += Double(partial[index]) }
    }
  }
}
