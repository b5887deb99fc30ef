package import Basic
package import IR
package import Numerics

/// XᵀX of the inputs of chosen layers over all calibration batches, gathered in one run of the graph per batch.
///
/// Nothing but the moments is kept: a layer of k inputs costs k² doubles per group, whatever the number of samples.
package struct SecondMoments: Sendable {
  /// One accumulator per group, by node.
  package private(set) var moments: [NodeID: [GramAccumulator]] = [:]

  package init(
    _ graph: Graph, _ layers: [LinearLayer], batches: [[Datum?]], runner: any GraphRunner, progress: (Double) -> Void = { _ in }
  ) throws(Failure) {
    let collector = Collector(graph, layers)
    let prepared = try runner.prepare(graph)
    for (index, batch) in batches.enumerated() {
      for (input, datum) in zip(graph.inputs, batch) { if let tensor = datum?.tensor { collector.add(input, tensor) } }
      _ = try prepared.run(batch) { collector.add($0, $1) }
      if let failure = collector.failure { throw failure }
      progress(Double(index + 1) / Double(batches.count))
    }
    moments = collector.moments
  }

  package subscript(_ layer: LinearLayer) -> [GramAccumulator] { moments[layer.node] ?? [] }

  /// Moments of one layer's inputs that are already at hand.
  package static func gather(_ layer: LinearLayer, _ inputs: [Tensor], of node: Node) throws(Failure) -> [GramAccumulator] {
    var result = [GramAccumulator](repeating: GramAccumulator(width: layer.inputs), count: layer.groups)
    for x in inputs { for group in result.indices { result[group].add(rows: try layer.inputRows(x, group: group, of: node)) } }
    return result
  }

  /// What the run tells its values to.
  private final class Collector {
    private let graph: Graph
    private var readers: [ValueID: [LinearLayer]] = [:]
    var moments: [NodeID: [GramAccumulator]] = [:]
    var failure: Failure?

    init(_ graph: Graph, _ layers: [LinearLayer]) {
      self.graph = graph
      for layer in layers {
        guard let input = graph[layer.node].inputs[0] else { continue }
        readers[input, default: []].append(layer)
        moments[layer.node] = [GramAccumulator](repeating: GramAccumulator(width: layer.inputs), count: layer.groups)
      }
    }

    func add(_ value: ValueID, _ tensor: Tensor) {
      for layer in readers[value] ?? [] where failure == nil {
        do throws(Failure) {
          for group in 0..<layer.groups {
            moments[layer.node]?[group].add(rows: try layer.inputRows(tensor, group: group, of: graph[layer.node]))
          }
        } catch { failure = error }
      }
    }
  }
}
