package import Basic
package import IR

/// Runs a list of passes: verifies after every change, times, counts, prints, dumps, checks promises and bisects.
package struct PassManager: Sendable {
  package struct Options: Sendable {
    /// Stop after this many passes that changed something (for finding the pass that breaks a graph).
    package var bisectLimit: Int?
    package var verifiesTypes = false
    /// Evaluate before and after on seeded inputs and fail when a pass breaks its promise.
    package var checksPromises = false

    package init() {}
  }

  /// What one pass did.
  package struct Report: Sendable {
    package var pass: String
    package var changes: Int
    package var seconds: Double
    package var wasSkipped: Bool
  }

  /// Told the graph before and after each pass, for printing and dumping.
  package typealias Observer = (_ pass: GraphPass, _ before: Graph, _ after: Graph, _ changed: Bool) -> Void

  package var passes: [GraphPass]
  package var options: Options

  package init(_ passes: [GraphPass], options: Options = Options()) {
    self.passes = passes
    self.options = options
  }

  package func run(
    _ graph: Graph, _ context: PassContext, reports: inout [Report], observer: Observer? = nil
  ) throws(Failure) -> Graph {
    var graph = graph
    var changedPasses = 0
    for pass in passes {
      guard options.bisectLimit.map({ changedPasses < $0 }) ?? true else {
        reports.append(Report(pass: pass.name, changes: 0, seconds: 0, wasSkipped: true))
        continue
      }
      let start = ContinuousClock.now
      var rewriter = Rewriter(graph)
      try pass.run(&rewriter, context)
      let changes = rewriter.changeCount
      let result = rewriter.finish()
      let seconds = start.duration(to: .now) / .seconds(1)
      reports.append(Report(pass: pass.name, changes: changes, seconds: seconds, wasSkipped: false))
      if changes > 0 {
        changedPasses += 1
        try verify(result, after: pass)
        if options.checksPromises { try PromiseCheck.check(pass, before: graph, after: result) }
      }
      observer?(pass, graph, result, changes > 0)
      graph = result
    }
    return graph
  }

  private func verify(_ graph: Graph, after pass: GraphPass) throws(Failure) {
    var found = graph.verify()
    if found.isEmpty, options.verifiesTypes { found = graph.verifyTypes() }
    guard found.isEmpty else {
      throw Failure(found.map { .error("after pass '\(pass.name)': \($0.message)", at: $0.location) })
    }
  }
}
