package import IR

/// Multidirectional (NumPy) broadcasting of shapes.
package enum Broadcast {
  /// The common shape. A symbolic extent meets 1 or itself; against another number or symbol the two must be equal.
  package static func shape(_ shapes: [[Dimension]]) throws(OperatorError) -> [Dimension] {
    let rank = shapes.map(\.count).max() ?? 0
    var result = [Dimension](repeating: 1, count: rank)
    for shape in shapes {
      let offset = rank - shape.count
      for (axis, extent) in shape.enumerated() {
        let known = result[offset + axis]
        if extent == 1 || extent == known { continue }
        if known == 1 {
          result[offset + axis] = extent
        } else if extent.constant != nil, known.constant != nil {
          throw OperatorError("broadcast", "shapes \(shapes.map(\.text).joined(separator: " and ")) cannot be broadcast")
        } else if extent.constant != nil {
          // A number wins over a symbol: at run time the symbol must equal it (or be 1).
          result[offset + axis] = extent
        }
      }
    }
    return result
  }

  /// Row-major strides of a shape read as `target`: 0 along broadcast axes.
  package static func strides(_ shape: [Int], in target: [Int]) -> [Int] {
    var strides = [Int](repeating: 0, count: target.count)
    var step = 1
    for axis in shape.indices.reversed() {
      let position = target.count - shape.count + axis
      strides[position] = shape[axis] == 1 ? 0 : step
      step *= shape[axis]
    }
    return strides
  }

  /// Calls `body(outputIndex, aOffset, bOffset)` in row-major order of `target` for two broadcast operands.
  package static func forEachPair(_ target: [Int], _ a: [Int], _ b: [Int], _ body: (Int, Int, Int) -> Void) {
    let count = target.reduce(1, *)
    guard count > 0 else { return }
    let (sa, sb) = (strides(a, in: target), strides(b, in: target))
    var index = [Int](repeating: 0, count: target.count)
    var (x, y) = (0, 0)
    for position in 0..<count {
      body(position, x, y)
      var axis = target.count - 1
      while axis >= 0 {
        index[axis] += 1
        x += sa[axis]
        y += sb[axis]
        if index[axis] < target[axis] { break }
        x -= sa[axis] * target[axis]
        y -= sb[axis] * target[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}

extension [Dimension] {
  /// `[1, 3, n]`
  package var text: String { "[" + map(\.description).joined(separator: ", ") + "]" }
}
