package import IR

/// Axis arguments; negative ones count from the end.
package enum Axis {
  package static func normalized(_ axis: Int, rank: Int) throws(OperatorError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw OperatorError("axis-range", "axis \(axis) does not exist in a tensor of rank \(rank)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Every axis, in the order given; a repeated one is an error.
  package static func normalized(_ axes: [Int], rank: Int) throws(OperatorError) -> [Int] {
    var result: [Int] = []
    for axis in axes {
      let position = try normalized(axis, rank: rank)
      guard !result.contains(position) else {
        throw OperatorError("axes-distinct", "axis \(axis) is named twice")
      }
      result.append(position)
    }
    return result
  }
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
