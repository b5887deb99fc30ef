package import IR

/// One axis of one value.
package struct ValueAxis: Hashable, Sendable, Comparable {
  package let value: ValueID
  package let axis: Int

  package init(_ value: ValueID, _ axis: Int) {
    self.value = value
    self.axis = axis
  }

  package static func < (a: Self, b: Self) -> Bool { (a.value, a.axis) < (b.value, b.axis) }
}

/// Which positions of which tensor axes can only be removed together: union–find over positions, tied by the axis ties that
/// every operator states about itself.
///
/// Symbolic extents count as 1: what is not a number in the model cannot be cut. Graph inputs and outputs keep their shape.
package struct DependencyGraph: Sendable {
  /// What goes when one channel (or head) goes.
  package struct Unit: Sendable, Hashable {
    /// Positions by axis, ascending.
    package var positions: [ValueAxis: [Int]]
  }

  /// Units that live on the same axes.
  package struct Group: Sendable {
    package var axes: [ValueAxis]
    package var units: [Unit]
    /// Why nothing of it may be removed; nil when units can go.
    package var obstacle: Obstacle?
  }

  package struct Obstacle: Sendable, Hashable {
    /// The node that cannot lose positions; nil for inputs and outputs of the graph.
    package var node: NodeID?
    package var reason: String
  }

  /// In order of the first axis.
  package let groups: [Group]

  package init(_ graph: Graph) {
    var ties = PositionTies(graph)
    for id in graph.topologicalOrder() ?? [] { ties.add(graph, id) }
    for input in graph.inputs { ties.block(input, Obstacle(node: nil, reason: "'\(graph[input].name)' is an input of the graph")) }
    for output in graph.outputs { ties.block(output, Obstacle(node: nil, reason: "'\(graph[output].name)' is an output of the graph")) }
    groups = ties.groups()
  }
}

/// Longest axis that is looked at position by position.
private let longestAxis = 1 << 17

/// Union–find over the positions of all axes.
private struct PositionTies {
  private var bases: [ValueAxis: Int] = [:]
  private var axes: [ValueAxis] = []
  private var extents: [Int] = []
  private var parents: [Int32] = []
  private var obstacles: [Int: DependencyGraph.Obstacle] = [:]

  init(_ graph: Graph) {
    for value in graph.valueIDs {
      guard let type = graph.tensorType(value) else { continue }
      for (axis, dimension) in type.shape.enumerated() {
        guard let extent = dimension.constant, extent > 1, extent <= longestAxis else { continue }
        bases[ValueAxis(value, axis)] = parents.count
        axes.append(ValueAxis(value, axis))
        extents.append(extent)
        parents += (0..<extent).map { Int32(parents.count + $0) }
      }
    }
  }

  private mutating func root(_ element: Int) -> Int {
    var top = element
    while Int(parents[top]) != top { top = Int(parents[top]) }
    var walk = element
    while Int(parents[walk]) != top { (walk, parents[walk]) = (Int(parents[walk]), Int32(top)) }
    return top
  }

  /// The smaller index becomes the root, so that roots do not depend on the order of unions.
  private mutating func join(_ a: Int, _ b: Int) {
    let (x, y) = (root(a), root(b))
    if x != y { parents[max(x, y)] = Int32(min(x, y)) }
  }

  mutating func block(_ value: ValueID, _ obstacle: DependencyGraph.Obstacle) {
    var axis = 0
    while axis < 16 {
      block(ValueAxis(value, axis), obstacle)
      axis += 1
    }
  }

  private mutating func block(_ axis: ValueAxis, _ obstacle: DependencyGraph.Obstacle) {
    guard let base = bases[axis], let index = axes.binarySearch(axis) else { return }
    for position in base..<(base + extents[index]) where obstacles[position] == nil { obstacles[position] = obstacle }
  }

  mutating func add(_ graph: Graph, _ id: NodeID) {
    let node = graph[id]
    let operands = graph.operandTypes(of: node).bindingSymbols(to: 1)
    var covered: Set<ValueAxis> = []
    for tie in node.operation.axisTies(operands) where tie.count > 1 {
      let members = tie.members.compactMap { map in node.value(map.slot).map { (map, ValueAxis($0, map.axis)) } }
      guard members.allSatisfy({ reaches($0.0, $0.1, tie.count) }) else { continue }
      covered.formUnion(members.map(\.1))
      for unit in 0..<tie.count {
        let elements = members.flatMap { map, axis in map.positions(of: unit, count: tie.count).map { (bases[axis] ?? 0) + $0 } }
        for element in elements.dropFirst() { join(elements[0], element) }
      }
    }
    for case let value? in node.inputs + node.outputs.map(Optional.some) {
      for axis in 0..<(graph.tensorType(value)?.rank ?? 0) where !covered.contains(ValueAxis(value, axis)) {
        block(
          ValueAxis(value, axis),
          DependencyGraph.Obstacle(node: id, reason: "'\(node.name)' needs the whole axis \(axis) of '\(graph[value].name)'"))
      }
    }
  }

  /// Whether a map stays within its axis.
  private func reaches(_ map: AxisMap, _ axis: ValueAxis, _ count: Int) -> Bool {
    guard bases[axis] != nil, let index = axes.binarySearch(axis) else { return false }
    return map.offset + map.outer * count * map.inner <= extents[index]
  }

  mutating func groups() -> [DependencyGraph.Group] {
    var unitsByRoot: [Int: DependencyGraph.Unit] = [:]
    var obstacleByRoot: [Int: DependencyGraph.Obstacle] = [:]
    var roots: [Int] = []
    for (index, axis) in axes.enumerated() {
      for position in 0..<extents[index] {
        let element = (bases[axis] ?? 0) + position
        let root = root(element)
        if unitsByRoot[root] == nil { roots.append(root) }
        unitsByRoot[root, default: DependencyGraph.Unit(positions: [:])].positions[axis, default: []].append(position)
        if let obstacle = obstacles[element], obstacleByRoot[root] == nil { obstacleByRoot[root] = obstacle }
      }
    }
    var order: [[ValueAxis]] = []
    var groups: [[ValueAxis]: DependencyGraph.Group] = [:]
    for root in roots {
      guard let unit = unitsByRoot[root] else { continue }
      let key = unit.positions.keys.sorted()
      if groups[key] == nil { order.append(key) }
      groups[key, default: DependencyGraph.Group(axes: key, units: [])].units.append(unit)
      if let obstacle = obstacleByRoot[root], groups[key]?.obstacle == nil { groups[key]?.obstacle = obstacle }
    }
    return order.compactMap { groups[$0] }
  }
}

extension Node {
  fileprivate func value(_ slot: OperandSlot) -> ValueID? {
    switch slot {
    case .input(let index): index < inputs.count ? inputs[index] : nil
    case .output(let index): index < outputs.count ? outputs[index] : nil
    }
  }
}

extension [ValueAxis] {
  /// The place of an axis in ascending order.
  fileprivate func binarySearch(_ axis: ValueAxis) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < axis { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low] == axis ? low : nil
  }
}
