package import Basic
package import IR
internal import Foundation

/// How a graph runs on the CPU: node by node in execution order, every value freed after its last reader.
package struct Evaluator: Sendable {
  /// Whose inner loops are used.
  package enum Path: Sendable {
    /// Plain loops in double precision: the oracle.
    case reference
    /// Whole computations in single precision through the linear algebra library and vector loops.
    case fast
  }

  package var path: Path
  /// Seed for random operators and for weights that are not in the file.
  package var seed: UInt64
  /// Cores the fast path uses at most; results do not depend on it.
  package var threads: Int

  /// - Parameter threads: all cores when nil.
  package init(path: Path = .fast, seed: UInt64 = 0, threads: Int? = nil) {
    self.path = path
    self.seed = seed
    self.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
  }

  /// One run of a graph; to run it again, prepare it once: `PreparedGraph`.
  package func run(_ graph: Graph, inputs: [Datum?]) throws(Failure) -> [Datum] {
    try PreparedGraph(graph, self).run(inputs)
  }

  package static func run(_ graph: Graph, inputs: [Datum], seed: UInt64 = 0) throws(Failure) -> [Datum] {
    try Evaluator(seed: seed).run(graph, inputs: inputs)
  }
}
