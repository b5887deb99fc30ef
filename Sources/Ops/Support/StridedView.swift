package import IR

/// Reads elements through strides: transpose, slice, expand, tile and split are this one loop.
///
/// Element (i0, i1, …) of the result is source element `offset + Σ i·strides`; strides may be zero or negative.
package struct StridedView: Rearrangement {
  package private(set) var shape: [Int]
  package private(set) var strides: [Int]
  package var offset: Int

  /// Adjacent axes that one stride describes are merged, so that inner loops are long.
  package init(shape: [Int], strides: [Int], offset: Int = 0) {
    self.offset = offset
    self.shape = []
    self.strides = []
    for (extent, stride) in zip(shape, strides) where extent != 1 {
      if let last = self.strides.last, let extentBefore = self.shape.last, last == stride * extent {
        self.shape[self.shape.count - 1] = extentBefore * extent
        self.strides[self.strides.count - 1] = stride
      } else {
        self.shape.append(extent)
        self.strides.append(stride)
      }
    }
  }

  package func rearrange<T>(_ values: [T]) -> [T] {
    let count = shape.reduce(1, *)
    guard count > 0, !values.isEmpty else { return [] }
    let inner = shape.last ?? 1
    let step = strides.last ?? 1
    if shape.count <= 1, step == 1 { return Array(values[offset..<offset + inner]) }
    return values.withUnsafeBufferPointer { source in
      [T](unsafeUninitializedCapacity: count) { result, filled in
        var index = [Int](repeating: 0, count: max(shape.count - 1, 0))
        var (position, start) = (0, offset)
        while position < count {
          if step == 1 {
            _ = UnsafeMutableBufferPointer(rebasing: result[position..<position + inner])
              .initialize(fromContentsOf: source[start..<start + inner])
          } else {
            var from = start
            for to in position..<position + inner {
              result.initializeElement(at: to, to: source[from])
              from += step
            }
          }
          position += inner
          filled = position
          var axis = index.count - 1
          while axis >= 0 {
            index[axis] += 1
            start += strides[axis]
            if index[axis] < shape[axis] { break }
            start -= strides[axis] * shape[axis]
            index[axis] = 0
            axis -= 1
          }
        }
      }
    }
  }
}

extension [Int] {
  /// Row-major strides of a shape, in elements.
  package var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: count)
    var step = 1
    for axis in indices.reversed() {
      strides[axis] = step
      step *= self[axis]
    }
    return strides
  }

  /// Elements of a result shape, refused when an evaluation could not hold them.
  package func evaluableCount() throws(OperatorError) -> Int {
    guard let count = checkedProduct, count <= 1 << 32 else {
      throw OperatorError("too-large", "a tensor of shape \(self) is too large to evaluate")
    }
    return count
  }
}

/// An axis attribute counted from either end.
package func resolveAxis(_ axis: Int, rank: Int) throws(OperatorError) -> Int {
  guard axis >= -rank, axis < rank else {
    throw OperatorError("axis-range", "axis \(axis) does not exist in a tensor of rank \(rank)")
  }
  return axis < 0 ? axis + rank : axis
}
