/// A shape some of whose axes are reduced: which result element each element belongs to.
package struct ReducedShape {
  private let shape: [Int]
  private let rowStrides: [Int]
  /// Result elements.
  package let count: Int
  /// Elements that each result element gathers.
  package let columns: Int
  /// The shape with 1 in place of the reduced axes.
  package let kept: [Int]
  /// The shape without the reduced axes.
  package let dropped: [Int]

  package init(_ shape: [Int], axes: [Int]) {
    self.shape = shape
    kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    dropped = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    count = dropped.reduce(1, *)
    columns = axes.reduce(1) { $0 * shape[$1] }
    rowStrides = Broadcast.strides(kept, in: shape).enumerated().map { axes.contains($0.offset) ? 0 : $0.element }
  }

  /// Calls `body(element, row)` in row-major order of the elements.
  package func forEach(_ body: (Int, Int) -> Void) {
    let total = shape.reduce(1, *)
    guard total > 0 else { return }
    var index = [Int](repeating: 0, count: shape.count)
    var row = 0
    for element in 0..<total {
      body(element, row)
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        row += rowStrides[axis]
        if index[axis] < shape[axis] { break }
        row -= rowStrides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
