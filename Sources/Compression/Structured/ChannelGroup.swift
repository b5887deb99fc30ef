package import IR
internal import Numerics

/// A group of channels or heads that can be removed, with the layers that make and read them.
package struct ChannelGroup: Sendable {
  package let group: DependencyGraph.Group
  /// Layers whose outputs are among the units.
  package let producers: [LinearLayer]
  /// Layers whose inputs are among the units.
  package let consumers: [LinearLayer]
  /// True when an elementwise node joins channels that several layers make, as on a residual path.
  package let isJoined: Bool

  package var units: [DependencyGraph.Unit] { group.units }

  /// Positions of one unit along the outputs of its first producer: above 1 for heads and flattened planes.
  package var width: Int {
    guard let first = producers.first else { return 1 }
    return units.first?.positions[ValueAxis(first.weight, first.outputAxis)]?.count ?? 1
  }

  /// Name for people: the layers that make the channels.
  package var name: String { producers.map(\.name).joined(separator: " + ") }

  /// Every group that some layer makes, blocked ones included.
  package static func all(in graph: Graph) -> [ChannelGroup] {
    let layers = LinearLayer.all(in: graph)
    return DependencyGraph(graph).groups.compactMap { group in
      let axes = Set(group.axes)
      let producers = layers.filter { axes.contains(ValueAxis($0.weight, $0.outputAxis)) }
      guard !producers.isEmpty else { return nil }
      let consumers = layers.filter { axes.contains(ValueAxis($0.weight, $0.channelAxis)) && $0.channelAxis != $0.outputAxis }
      return ChannelGroup(
        group: group, producers: producers, consumers: consumers, isJoined: ChannelGroup.joins(graph, axes, producers))
    }
  }

  private static func joins(_ graph: Graph, _ axes: Set<ValueAxis>, _ producers: [LinearLayer]) -> Bool {
    guard producers.count > 1 else { return false }
    let values = Set(axes.map(\.value))
    return graph.nodeIDs.contains { id in
      let inputs = Set(graph[id].inputs.compactMap(\.self).filter { values.contains($0) && graph[$0].constant == nil })
      guard inputs.count > 1, graph[id].inputs.count == inputs.count else { return false }
      if case .pointwise? = try? graph[id].operation.computation(graph.operandTypes(of: graph[id]).bindingSymbols(to: 1)) { return true }
      return false
    }
  }

  /// Weights that go when `count` units go: what the group is worth in parameters.
  package func parameters(in graph: Graph, removing count: Int) -> Int {
    let cut = AxisCut(Array(units.prefix(count)))
    return Set(group.axes.map(\.value)).sorted().reduce(0) { sum, value in
      guard let type = graph[value].constant?.type, type.element.isFloat, let shape = type.constantShape else { return sum }
      return sum + shape.reduce(1, *) - cut.keptShape(of: value, shape).reduce(1, *)
    }
  }
}

extension AxisCut {
  /// Extents of a value after the cut.
  package func keptShape(of value: ValueID, _ shape: [Int]) -> [Int] {
    shape.enumerated().map { axis, extent in extent - (removed[ValueAxis(value, axis)]?.count ?? 0) }
  }

  /// Float parameters of a graph after the cut.
  package func parameters(of graph: Graph) -> Int {
    graph.valueIDs.reduce(0) { sum, value in
      guard let type = graph[value].constant?.type, type.element.isFloat, let shape = type.constantShape else { return sum }
      return sum + keptShape(of: value, shape).reduce(1, *)
    }
  }
}
