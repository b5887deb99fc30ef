package import IR

/// The shape rules of a stacked matrix product, as in NumPy: the last two axes multiply, the others broadcast.
package struct MatrixProduct {
  /// Broadcast leading axes.
  package let batch: [Dimension]
  package let m: Dimension
  package let k: Dimension
  package let n: Dimension
  /// Shape of the result; a vector operand's axis is dropped.
  package let output: [Dimension]

  package init(_ a: [Dimension], _ b: [Dimension]) throws(OperatorError) {
    guard !a.isEmpty, !b.isEmpty else { throw OperatorError("ranks-match", "a matrix product needs operands of rank 1 or more") }
    let left = a.count == 1 ? [1, a[0]] : a
    let right = b.count == 1 ? [b[0], 1] : b
    m = left[left.count - 2]
    k = left[left.count - 1]
    n = right[right.count - 1]
    let depth = right[right.count - 2]
    if let x = k.constant, let y = depth.constant, x != y {
      throw OperatorError("inner-extents", "shapes \(a.text) and \(b.text) cannot be multiplied: \(x) columns meet \(y) rows")
    }
    batch = try Broadcast.shape([Array(left.dropLast(2)), Array(right.dropLast(2))])
    output = batch + (a.count == 1 ? [] : [m]) + (b.count == 1 ? [] : [n])
  }
}

/// A number whose products may be accumulated: floating point, or integers that wrap as machines do.
package protocol Accumulable: Sendable {
  static var zero: Self { get }
  mutating func add(_ a: Self, times b: Self)
}

extension Double: Accumulable {
  package mutating func add(_ a: Double, times b: Double) { self += a * b }
}

extension Int64: Accumulable {
  package mutating func add(_ a: Int64, times b: Int64) { self = self &+ a &* b }
}

extension MatrixProduct {
  /// The plain product of two tensors' elements in row-major order, with broadcast leading axes.
  package static func multiply<Element: Accumulable>(
    _ a: (shape: [Int], elements: [Element]), _ b: (shape: [Int], elements: [Element])
  ) throws(OperatorError) -> (shape: [Int], elements: [Element]) {
    let rule = try MatrixProduct(a.shape.map(Dimension.constant), b.shape.map(Dimension.constant))
    guard let m = rule.m.constant, let k = rule.k.constant, let n = rule.n.constant else {
      throw OperatorError("unbound-dimension", "a matrix product of unknown extents")
    }
    let shape = rule.output.compactMap(\.constant)
    let batch = rule.batch.compactMap(\.constant)
    var result = [Element](repeating: .zero, count: try shape.evaluableCount())
    let (left, right) = (Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
    a.elements.withUnsafeBufferPointer { x in
      b.elements.withUnsafeBufferPointer { y in
        result.withUnsafeMutableBufferPointer { z in
          Broadcast.forEachPair(batch, left, right) { position, p, q in
            accumulate(
              UnsafeBufferPointer(rebasing: x[(p * m * k)..<((p + 1) * m * k)]),
              UnsafeBufferPointer(rebasing: y[(q * k * n)..<((q + 1) * k * n)]),
              into: UnsafeMutableBufferPointer(rebasing: z[(position * m * n)..<((position + 1) * m * n)]), m, k, n)
          }
        }
      }
    }
    return (shape, result)
  }

  /// c[m,n] += a[m,k]·b[k,n]
  private static func accumulate<Element: Accumulable>(
    _ a: UnsafeBufferPointer<Element>, _ b: UnsafeBufferPointer<Element>, into c: UnsafeMutableBufferPointer<Element>,
    _ m: Int, _ k: Int, _ n: Int
  ) {
    for row in 0..<m {
      for depth in 0..<k {
        let factor = a[row * k + depth]
        for column in 0..<n { c[row * n + column].add(factor, times: b[depth * n + column]) }
      }
    }
  }

  /// The last two axes exchanged.
  package static func transposed<Element>(_ tensor: (shape: [Int], elements: [Element])) -> (shape: [Int], elements: [Element]) {
    let rank = tensor.shape.count
    guard rank >= 2 else { return tensor }
    let (rows, columns) = (tensor.shape[rank - 2], tensor.shape[rank - 1])
    var shape = tensor.shape
    shape.swapAt(rank - 2, rank - 1)
    var elements: [Element] = []
    elements.reserveCapacity(tensor.elements.count)
    let planes = shape[..<(rank - 2)].reduce(1, *)
    for plane in 0..<planes {
      for column in 0..<columns {
        for row in 0..<rows { elements.append(tensor.elements[(plane * rows + row) * columns + column]) }
      }
    }
    return (shape, elements)
  }
}

extension OperandTypes {
  /// The contraction of inputs `a` and `b` multiplied as stacked matrices of the given shapes.
  ///
  /// A right operand without leading axes is shared by all left rows: the stack then counts as rows of one product.
  package func matrixProduct(_ a: Int = 0, _ b: Int = 1, shapes: (a: [Int], b: [Int])? = nil, hasBias: Bool = false) throws(OperatorError)
    -> Contraction
  {
    let (left, right) = if let shapes { shapes } else { (try shape(ofInput: a), try shape(ofInput: b)) }
    let rule = try MatrixProduct(left.map(Dimension.constant), right.map(Dimension.constant))
    let stack = rule.batch.reduce(1) { $0 * ($1.constant ?? 1) }
    let (m, k, n) = (rule.m.constant ?? 1, rule.k.constant ?? 1, rule.n.constant ?? 1)
    let shared = right.dropLast(2).allSatisfy { $0 == 1 }
    return Contraction(
      batch: shared ? 1 : stack, m: shared ? stack * m : m, n: n, k: k, lhs: try input(a), rhs: try input(b),
      output: try output(), hasBias: hasBias)
  }
}

extension OperandTypes {
  /// Axis ties of a stacked product of inputs 0 and 1, whose axes are multiplied in the given order: rows, columns, the summed
  /// index, and stack axes that are not broadcast.
  func matrixTies(a orderA: [Int]? = nil, b orderB: [Int]? = nil, bias: Int? = nil) -> [AxisTie] {
    guard let a = shape(.input(0)), let b = shape(.input(1)), let y = shape(.output(0)), a.count >= 2, b.count >= 2 else { return [] }
    let left = orderA ?? Array(a.indices)
    let right = orderB ?? Array(b.indices)
    let n = right[right.count - 1]
    var columns = [AxisMap(.output(0), y.count - 1), AxisMap(.input(1), n)]
    if let bias, let c = shape(.input(bias)), let last = c.last, last == b[n] { columns.append(AxisMap(.input(bias), c.count - 1)) }
    var ties = [
      AxisTie(.produced, count: b[n], columns),
      AxisTie(
        .summed, count: a[left[left.count - 1]], [AxisMap(.input(0), left[left.count - 1]), AxisMap(.input(1), right[right.count - 2])]),
      AxisTie(count: a[left[left.count - 2]], [AxisMap(.input(0), left[left.count - 2]), AxisMap(.output(0), y.count - 2)]),
    ]
    for fromRight in 3..<max(3, y.count + 1) {
      let axis = y.count - fromRight
      guard axis >= 0, y[axis] > 1 else { continue }
      var members = [AxisMap(.output(0), axis)]
      for (slot, order, extents) in [(OperandSlot.input(0), left, a), (.input(1), right, b)] where fromRight <= order.count {
        let own = order[order.count - fromRight]
        if extents[own] == y[axis] { members.append(AxisMap(slot, own)) }
      }
      ties.append(AxisTie(count: y[axis], members))
    }
    return ties
  }
}
