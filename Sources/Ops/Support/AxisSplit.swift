package import IR

/// Every axis counted from the front, in the order given; a repeated one is an error.
package func resolveAxes(_ axes: [Int], rank: Int) throws(OperatorError) -> [Int] {
  var result: [Int] = []
  for axis in axes {
    let position = try resolveAxis(axis, rank: rank)
    guard !result.contains(position) else { throw OperatorError("axes-distinct", "axis \(axis) is named twice") }
    result.append(position)
  }
  return result
}

/// A row-major shape cut at one axis: element (o, i, j) lies at (o·extent + i)·inner + j.
package struct AxisSplit {
  package let outer: Int
  package let extent: Int
  package let inner: Int

  package init(_ shape: [Int], axis: Int) {
    outer = shape[..<axis].reduce(1, *)
    extent = shape[axis]
    inner = shape[(axis + 1)...].reduce(1, *)
  }

  /// Calls `body(start)` for every line along the axis, in row-major order; its elements are `inner` apart.
  package func forEachLine(_ body: (Int) -> Void) {
    for o in 0..<outer {
      for j in 0..<inner { body(o * extent * inner + j) }
    }
  }
}

extension AxisSplit {
  /// Row-major positions of everything at one index of the axis.
  package func indices(_ index: Int) -> some Sequence<Int> {
    (0..<(outer * inner)).lazy.map { position in
      (position / inner * extent + index) * inner + position % inner
    }
  }
}
