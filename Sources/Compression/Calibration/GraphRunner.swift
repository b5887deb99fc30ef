package import Basic
package import IR
internal import Numerics

/// Runs a graph on one batch; the way to swap how graphs are evaluated.
package protocol GraphRunner: Sendable {
  /// - Parameter observe: told every tensor a node computes, as soon as it is there.
  /// - Returns: the graph's outputs.
  func run(_ graph: Graph, _ inputs: [Datum?], observe: @escaping (ValueID, Tensor) -> Void) throws(Failure) -> [Datum]
}

extension GraphRunner {
  package func run(_ graph: Graph, _ inputs: [Datum?]) throws(Failure) -> [Datum] { try run(graph, inputs) { _, _ in } }
}

/// The plain evaluator with fast inner loops.
package struct EvaluatorRunner: GraphRunner {
  package init() {}

  package func run(
    _ graph: Graph, _ inputs: [Datum?], observe: @escaping (ValueID, Tensor) -> Void
  ) throws(Failure) -> [Datum] {
    try PreparedGraph(graph, Evaluator(path: .fast, threads: 1)).run(inputs, observing: nil) { value, datum in
      if case .tensor(let tensor) = datum { observe(value, tensor) }
    }
  }
}
