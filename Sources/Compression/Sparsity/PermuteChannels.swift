internal import Basic
internal import IR
internal import Numerics

/// Looks for a better order of input channels group by group and keeps those that lower the reconstruction error.
struct PermuteChannels {
  let pattern: SparsityPattern
  let damping: Double
  let seed: UInt64

  /// The graph with the orders that help, and what was decided for each group.
  func run(_ graph: Graph, _ layers: [LinearLayer], _ moments: SecondMoments) throws(Failure) -> (graph: Graph, records: [StageRecord]) {
    guard case .structured(let kept, let of) = pattern else { return (graph, []) }
    var result = graph
    var records: [StageRecord] = []
    for group in DependencyGraph(graph).groups {
      let consumers = layers.filter { layer in
        layer.groups == 1 && group.axes.contains(ValueAxis(layer.weight, layer.channelAxis)) && group.units.count == layer.channels
      }
      guard let first = consumers.first, group.obstacle == nil else { continue }
      let axis = ValueAxis(first.weight, first.channelAxis)
      // Places follow the channels of the first consumer; all others are tied to them one to one.
      let ordered = DependencyGraph.Group(
        axes: group.axes, units: group.units.sorted { ($0.positions[axis]?.first ?? 0) < ($1.positions[axis]?.first ?? 0) })
      guard ordered.units.allSatisfy({ unit in unit.positions.values.allSatisfy { $0.count == 1 } }) else { continue }
      let search = ChannelPermutation(kept: kept, of: of, seed: seed)
      let order = search.search(try scores(graph, consumers, moments), channels: first.channels)
      let before = try error(graph, consumers, moments, order: Array(order.indices))
      let after = try error(graph, consumers, moments, order: order)
      let helps = after < before
      if helps { result = ordered.reordered(result, order) }
      records.append(
        StageRecord(
          stage: SparsifyStage.schema.name, layer: consumers.map(\.name).joined(separator: ", "),
          action: helps ? "input channels reordered" : "input channels left in order",
          figures: [.init("error_before", before), .init("error_after", after)],
          reason: helps ? nil : "the order found keeps more weight but reconstructs worse"))
    }
    return (result, records)
  }

  /// w²·Σx² of every weight: a row of channels per output and tap, consumer after consumer.
  private func scores(_ graph: Graph, _ layers: [LinearLayer], _ moments: SecondMoments) throws(Failure) -> [Double] {
    var result: [Double] = []
    for layer in layers {
      let weights = try layer.matrices(try layer.tensor(in: graph))[0]
      let energy = moments[layer].first?.gram.diagonal ?? []
      for (index, w) in weights.elements.enumerated() { result.append(w * w * energy[index % weights.columns]) }
    }
    return result
  }

  /// Squared error of all consumers when their weights are pruned with the channels in this order.
  private func error(_ graph: Graph, _ layers: [LinearLayer], _ moments: SecondMoments, order: [Int]) throws(Failure) -> Double {
    var total = 0.0
    for layer in layers {
      let weights = try layer.matrices(try layer.tensor(in: graph))[0]
      guard let moment = moments[layer].first?.gram else { continue }
      let columns = (0..<layer.taps).flatMap { tap in order.map { tap * layer.channels + $0 } }
      let moved = moment.selecting(rows: columns).selecting(columns: columns)
      do throws(LinearAlgebraError) {
        total += try ColumnSweep(pattern: pattern, damping: damping).run(weights.selecting(columns: columns), moment: moved).error
      } catch { throw Failure("'\(layer.name)': \(error)") }
    }
    return total
  }
}
