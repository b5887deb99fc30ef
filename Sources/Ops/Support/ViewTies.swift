internal import IR

extension OperandTypes {
  /// Axis ties of a change of shape: axes that stay, and the slowest factor of an axis that is split or made by merging.
  ///
  /// Flattening [c, h, w] ties c to the flat axis with h·w positions per unit; splitting [heads·depth] ties the heads. The
  /// faster factors could only be cut for all values of the slower one at once and are left alone.
  func viewTies() -> [AxisTie] {
    guard let x = shape(.input(0)), let y = shape(.output(0)), !x.contains(0), !y.contains(0) else { return [] }
    var ties: [AxisTie] = []
    var (i, j) = (0, 0)
    while i < x.count, j < y.count {
      let (firstX, firstY) = (i, j)
      var (a, b) = (x[i], y[j])
      while a != b {
        if a < b {
          i += 1
          guard i < x.count else { return ties }
          a *= x[i]
        } else {
          j += 1
          guard j < y.count else { return ties }
          b *= y[j]
        }
      }
      let left = (firstX...i).filter { x[$0] > 1 }
      let right = (firstY...j).filter { y[$0] > 1 }
      if let p = left.first, let q = right.first, left.count == 1 || right.count == 1 || x[p] == y[q] {
        let count = min(x[p], y[q])
        ties.append(AxisTie(count: count, [AxisMap(.input(0), p, inner: x[p] / count), AxisMap(.output(0), q, inner: y[q] / count)]))
      }
      (i, j) = (i + 1, j + 1)
    }
    return ties
  }

  /// Ties of the axes whose extent is the same before and after.
  func untouchedTies() -> [AxisTie] {
    guard let x = shape(.input(0)), let y = shape(.output(0)), x.count == y.count else { return [] }
    return x.indices.filter { x[$0] == y[$0] }.map { AxisTie(count: x[$0], [AxisMap(.input(0), $0), AxisMap(.output(0), $0)]) }
  }
}
