package import Basic
package import IR
internal import Numerics

/// Makes graphs ready to run; the way to swap how graphs are evaluated.
package protocol GraphRunner: Sendable {
  func prepare(_ graph: Graph) throws(Failure) -> any PreparedRun
}

/// A graph that runs on many batches: what follows from constants alone is computed once.
package protocol PreparedRun: Sendable {
  /// - Parameter observe: told every tensor a node computes, as soon as it is there; nothing is kept for it.
  /// - Returns: the graph's outputs.
  func run(_ inputs: [Datum?], observe: (ValueID, Tensor) -> Void) throws(Failure) -> [Datum]
}

extension PreparedRun {
  package func run(_ inputs: [Datum?]) throws(Failure) -> [Datum] { try run(inputs) { _, _ in } }
}

extension GraphRunner {
  /// One batch alone.
  package func run(
    _ graph: Graph, _ inputs: [Datum?], observe: (ValueID, Tensor) -> Void = { _, _ in }
  ) throws(Failure) -> [Datum] {
    try prepare(graph).run(inputs, observe: observe)
  }
}

/// The plain evaluator with fast inner loops.
package struct EvaluatorRunner: GraphRunner {
  private let threads: Int?

  /// - Parameter threads: cores of one run; nil for all. Results do not depend on it.
  package init(threads: Int? = 1) { self.threads = threads }

  package func prepare(_ graph: Graph) throws(Failure) -> any PreparedRun {
    Prepared(graph: try PreparedGraph(graph, Evaluator(path: .fast, threads: threads)))
  }

  private struct Prepared: PreparedRun {
    let graph: PreparedGraph

    func run(_ inputs: [Datum?], observe: (ValueID, Tensor) -> Void) throws(Failure) -> [Datum] {
      try graph.run(inputs, observing: nil) { value, datum in
        if case .tensor(let tensor) = datum { observe(value, tensor) }
      }
    }
  }
}
