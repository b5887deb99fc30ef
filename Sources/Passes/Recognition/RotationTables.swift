internal import IR
internal import Ops

/// Cosines or sines that are at hand, and how they become one number per pair.
struct RotationTable {
  enum Selection {
    case all
    case half
    case everySecond
    /// An axis of extent 1 stands behind the pairs.
    case unsqueezed
  }

  var value: ValueID
  var selection: Selection
  var pairs: Int
  /// Extents before the features.
  var leading: [Dimension]

  func preparations(input: Int, _ squeezed: [Int]) -> [Recognition.Preparation] {
    let views = squeezed.map { Recognition.Preparation.squeeze(input: input, axis: $0) }
    switch selection {
    case .all: return views
    case .half: return views + [.part(input: input, count: pairs, step: 1)]
    case .everySecond: return views + [.part(input: input, count: 2 * pairs, step: 2)]
    case .unsqueezed: return [.squeeze(input: input, axis: leading.count + 1)] + views
    }
  }
}

/// Where heads and positions of the rotated tensor stand, and the axes of extent 1 its tables have besides.
struct RotationLayout {
  /// Needed where heads stand behind positions; 0 otherwise.
  var heads = 0
  /// As what the operator sees the tensor: [b, h, s, d], or [b, s, h·d] where heads stand behind positions.
  var shape: [Dimension]
  /// The same for a reshape.
  var view: [Int]
  var squeezed: (cosines: [Int], sines: [Int])

  /// - `cosines`, `sines`: their extents before the features.
  init?(_ x: [Dimension], _ cosines: [Dimension], _ sines: [Dimension]) {
    guard x.count == 4 || x.count == 3, let depth = x.last?.constant else { return nil }
    if x.count == 4, let first = Self.headsFirst(cosines, x), let second = Self.headsFirst(sines, x) {
      squeezed = (first, second)
      shape = x
      view = [0, 0, 0, depth]
      return
    }
    guard let first = Self.positionsFirst(cosines, x), let second = Self.positionsFirst(sines, x),
      let count = x.count == 4 ? x[2].constant : 1
    else { return nil }
    squeezed = (first, second)
    heads = count
    shape = [x[0], x[1], .constant(count * depth)]
    view = [0, 0, count * depth]
  }

  /// Axes to take out of a table for [b, h, s, d], highest first.
  private static func headsFirst(_ table: [Dimension], _ x: [Dimension]) -> [Int]? {
    guard table.last == x[2] else { return nil }
    switch table.count {
    case 1: return []
    case 2: return table[0] == 1 ? [0] : nil
    case 3 where table[1] == 1: return table[0] == 1 ? [1, 0] : table[0] == x[0] ? [1] : nil
    default: return nil
    }
  }

  /// Axes to take out of a table for [b, s, h, d] or [b, s, d], highest first.
  private static func positionsFirst(_ table: [Dimension], _ x: [Dimension]) -> [Int]? {
    var own = table
    if x.count == 4 {
      guard own.count > 1, own.removeLast() == 1 else { return nil }
    }
    let behind = x.count == 4 ? [own.count] : []
    guard own.last == x[1] else { return nil }
    switch own.count {
    case 1: return behind
    case 2: return own[0] == 1 ? behind + [0] : own[0] == x[0] ? behind : nil
    default: return nil
    }
  }
}

extension GraphMatcher {
  /// A table of which one number per pair can be taken.
  func table(_ value: ValueID, of found: Rotation) -> RotationTable? {
    guard let shape = graph.tensorType(value)?.shape else { return nil }
    var table = RotationTable(value: value, selection: .all, pairs: found.pairs, leading: Array(shape.dropLast()))
    if found.hasNarrowTables, shape.count > 1, shape.last == 1, shape[shape.count - 2] == .constant(found.pairs) {
      (table.selection, table.leading) = (.unsqueezed, Array(shape.dropLast(2)))
      return table
    }
    guard shape.last == .constant(found.hasNarrowTables ? found.pairs : 2 * found.pairs) else { return nil }
    if found.hasNarrowTables { return table }
    if found.isInterleaved, let single = repeatedFeatures(value) {
      (table.value, table.selection) = (single, .unsqueezed)
      return table
    }
    guard hasEqualPairs(value, areNeighbours: found.isInterleaved) else { return nil }
    table.selection = found.isInterleaved ? .everySecond : .half
    return table
  }

  /// Follows elementwise and view nodes to where every feature was repeated, or compares a constant.
  private func hasEqualPairs(_ table: ValueID, areNeighbours: Bool) -> Bool {
    var value = table
    for _ in 0..<12 {
      if let constant = graph.constant(value) { return constant.hasEqualPairs(areNeighbours: areNeighbours) }
      if areNeighbours, repeatedFeatures(value) != nil { return true }
      guard let producer = graph.producer(value) else { return false }
      let node = graph[producer]
      if !areNeighbours, let concat = node.operation as? Concatenate, isLast(concat.axis, of: value) {
        return node.inputs.count == 2 && node.inputs[0] == node.inputs[1]
      }
      guard let next = lastAxisKeeper(value, node) else { return false }
      value = next
    }
    return false
  }

  /// [.., p, 1] where the value is reshape([.., p, 2]) of two copies of it: every feature twice in a row.
  private func repeatedFeatures(_ value: ValueID) -> ValueID? {
    guard let (_, _, view) = made(value, by: Reshape.self), let wide = view.inputs[0], let doubled = graph.tensorType(wide)?.shape,
      let shape = graph.tensorType(value)?.shape, doubled.count == shape.count + 1, doubled.last == 2,
      doubled.dropLast(2) == shape.dropLast(), let producer = graph.producer(wide), let source = graph[producer].inputs[0],
      graph.tensorType(source)?.shape == doubled.dropLast() + [1]
    else { return nil }
    switch graph[producer].operation {
    case is Expand, is Tile: return source
    case is Concatenate: return graph[producer].inputs.allSatisfy { unviewed($0) == unviewed(source) } ? source : nil
    default: return nil
    }
  }

  /// The value under an unsqueeze: exporters stack a tensor with itself by two of them.
  private func unviewed(_ value: ValueID?) -> ValueID? { made(value, by: Unsqueeze.self)?.node.inputs[0] ?? value }

  /// The input whose last axis the node hands on, element by element or as it is.
  private func lastAxisKeeper(_ value: ValueID, _ node: Node) -> ValueID? {
    if let (_, x, _) = scaled(value) { return x }
    guard let input = node.inputs.first ?? nil, graph.tensorType(input)?.shape.last == graph.tensorType(value)?.shape.last else {
      return nil
    }
    switch node.operation {
    case is UnaryElementwise, is Cast, is Unsqueeze, is Squeeze, is Reshape, is Expand, is Slice: return input
    case let gather as Gather: return gather.axis == 0 && (graph.tensorType(input)?.rank ?? 0) > 1 ? input : nil
    case let transpose as Transpose:
      return transpose.permutation.map { $0.last == $0.count - 1 } == true ? input : nil
    default: return nil
    }
  }
}

extension Constant {
  /// The two features of every pair hold the same number.
  fileprivate func hasEqualPairs(areNeighbours: Bool) -> Bool {
    guard let shape = type.constantShape, let depth = shape.last, depth > 0, depth % 2 == 0, let count = shape.checkedProduct,
      count <= 1 << 24, let numbers = Tensor(self).flatMap({ try? $0.doubles() })
    else { return false }
    if areNeighbours { return stride(from: 0, to: numbers.count, by: 2).allSatisfy { numbers[$0] == numbers[$0 + 1] } }
    for start in stride(from: 0, to: numbers.count, by: depth)
    where numbers[start..<(start + depth / 2)] != numbers[(start + depth / 2)..<(start + depth)] { return false }
    return true
  }
}
