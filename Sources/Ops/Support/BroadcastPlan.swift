internal import IR

/// How several broadcast operands are walked row by row: outer axes counted up, one inner loop with a stride of 0 or 1.
package struct BroadcastPlan {
  package let rowLength: Int
  package let rowCount: Int
  /// Step of each operand within a row: 0 when it is repeated.
  package let innerStrides: [Int]
  private let outerShape: [Int]
  private let outerStrides: [[Int]]

  package init(_ operands: [[Int]], target: [Int]) {
    let strides = operands.map { Broadcast.strides($0, in: target) }
    // Axes merge when every operand walks them as one.
    var shape: [Int] = []
    var merged = [[Int]](repeating: [], count: operands.count)
    for axis in target.indices where target[axis] != 1 {
      let extent = target[axis]
      if let last = shape.last, strides.indices.allSatisfy({ merged[$0].last == strides[$0][axis] * extent }) {
        shape[shape.count - 1] = last * extent
        for operand in strides.indices { merged[operand][shape.count - 1] = strides[operand][axis] }
      } else {
        shape.append(extent)
        for operand in strides.indices { merged[operand].append(strides[operand][axis]) }
      }
    }
    rowLength = shape.last ?? 1
    outerShape = shape.dropLast()
    rowCount = target.contains(0) ? 0 : outerShape.reduce(1, *)
    innerStrides = merged.map { $0.last ?? 0 }
    outerStrides = merged.map { $0.dropLast() }
  }

  /// Calls `body(start in the result, start in each operand)` for every row in order.
  @inline(__always)
  package func forEachRow(_ body: (Int, [Int]) -> Void) {
    var starts = [Int](repeating: 0, count: outerStrides.count)
    var index = [Int](repeating: 0, count: outerShape.count)
    for row in 0..<rowCount {
      body(row * rowLength, starts)
      var axis = outerShape.count - 1
      while axis >= 0 {
        index[axis] += 1
        let wraps = index[axis] == outerShape[axis]
        for operand in starts.indices {
          starts[operand] += outerStrides[operand][axis]
          if wraps { starts[operand] -= outerStrides[operand][axis] * outerShape[axis] }
        }
        if !wraps { break }
        index[axis] = 0
        axis -= 1
      }
    }
  }

  /// The result of `function` on every pair of broadcast elements.
  @inline(__always)
  package static func map<A, B, R>(
    _ a: [A], _ aShape: [Int], _ b: [B], _ bShape: [Int], to target: [Int], _ function: (A, B) -> R
  ) -> [R] {
    let plan = BroadcastPlan([aShape, bShape], target: target)
    let (aStep, bStep) = (plan.innerStrides[0], plan.innerStrides[1])
    let length = plan.rowLength
    return a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        [R](unsafeUninitializedCapacity: plan.rowCount * length) { result, filled in
          plan.forEachRow { start, starts in
            let (x, y) = (starts[0], starts[1])
            if aStep == 1, bStep == 1 {
              for i in 0..<length { result.initializeElement(at: start + i, to: function(a[x + i], b[y + i])) }
            } else if aStep == 1 {
              let right = b[y]
              for i in 0..<length { result.initializeElement(at: start + i, to: function(a[x + i], right)) }
            } else if bStep == 1 {
              let left = a[x]
              for i in 0..<length { result.initializeElement(at: start + i, to: function(left, b[y + i])) }
            } else {
              let both = function(a[x], b[y])
              for i in 0..<length { result.initializeElement(at: start + i, to: both) }
            }
          }
          filled = plan.rowCount * length
        }
      }
    }
  }
}
