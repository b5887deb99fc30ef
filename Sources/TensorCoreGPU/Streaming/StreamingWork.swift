/// A kernel that streams its operands once: what it moves and how its threads walk through it.
package struct StreamingWork: Sendable, Hashable {
  /// How threads are laid over the data.
  package enum Walk: Sendable, Hashable {
    /// Independent elements in wide loads: elementwise functions, copies, casts, quantisation with a known scale.
    case elements
    /// One block per row, one element per thread and load, once (gated activations) or twice (norms) over the row.
    case scalarRows(passes: Int)
    /// One block per row that reads it for the maximum, the sum and the result.
    case softmaxRows
    /// One block of four warps per row that reads it for mean and variance, then again for the result.
    case momentRows
    /// One warp per short row, which stays in its registers.
    case warpRows
    /// All elements to one number by atomics.
    case wholeReduction
  }

  package var walk: Walk
  package var rows: Int
  package var columns: Int
  /// Bytes of one element of the widest operand.
  package var elementBytes: Int
  /// Bytes read and written, each operand once.
  package var bytesRead: Double
  package var bytesWritten: Double
  /// Bytes read that the kernel before has just written: as far as the L2 holds them, they are found there.
  package var hotBytes: Double
  /// Instructions of the elementwise part per element.
  package var simple: Double
  package var special: Double

  package init(
    walk: Walk, rows: Int, columns: Int, elementBytes: Int, bytesRead: Double, bytesWritten: Double,
    hotBytes: Double = 0, simple: Double = 4, special: Double = 0
  ) {
    self.walk = walk
    self.rows = rows
    self.columns = columns
    self.elementBytes = elementBytes
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.hotBytes = min(hotBytes, bytesRead)
    self.simple = simple
    self.special = special
  }

  package var elements: Double { Double(rows) * Double(columns) }
  package var bytes: Double { bytesRead + bytesWritten }
}
