package import Basic
package import IR

/// Runs a list of passes: verifies after every change, times, counts, prints, dumps, checks promises and bisects.
///
/// After a pass the nodes it made or changed are checked; the whole graph, and its types if wanted, once at the end. Only when
/// that finds something are the passes run again with everything checked after each, to name the one that broke it.
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
    let result = try run(graph, context, &reports, observer, verifiesAll: false)
    let found = diagnostics(result)
    guard found.isEmpty else {
      var ignored: [Report] = []
      _ = try run(graph, context, &ignored, nil, verifiesAll: true)
      throw Failure(found)
    }
    return result
  }

  private func run(
    _ graph: Graph, _ context: PassContext, _ reports: inout [Report], _ observer: Observer?, verifiesAll: Bool
  ) throws(Failure) -> Graph {
    // One rewriter for all passes: who reads what is gathered once and kept up to date.
    var rewriter = Rewriter(graph)
    let keepsBefore = observer != nil || options.checksPromises
    var changedPasses = 0
    for pass in passes {
      guard options.bisectLimit.map({ changedPasses < $0 }) ?? true else {
        reports.append(Report(pass: pass.name, changes: 0, seconds: 0, wasSkipped: true))
        continue
      }
      let before = keepsBefore ? rewriter.graph : nil
      let (start, edits) = (ContinuousClock.now, rewriter.changeCount)
      try pass.run(&rewriter, context)
      let changes = rewriter.changeCount - edits
      let seconds = start.duration(to: .now) / .seconds(1)
      reports.append(Report(pass: pass.name, changes: changes, seconds: seconds, wasSkipped: false))
      if changes > 0 {
        changedPasses += 1
        let touched = rewriter.takeTouched()
        let found = verifiesAll ? diagnostics(rewriter.graph) : rewriter.graph.verifyEdges(of: touched)
        guard found.isEmpty else {
          throw Failure(found.map { .error("after pass '\(pass.name)': \($0.message)", at: $0.location) })
        }
        if options.checksPromises, let before { try PromiseCheck.check(pass, before: before, after: rewriter.graph) }
      }
      if let before { observer?(pass, before, rewriter.graph, changes > 0) }
    }
    return rewriter.finish()
  }

  private func diagnostics(_ graph: Graph) -> [Diagnostic] {
    let found = graph.verify()
    return found.isEmpty && options.verifiesTypes ? graph.verifyTypes() : found
  }
}

extension Graph {
  /// Checks the nodes that are still there, each once.
  fileprivate func verifyEdges(of nodes: [NodeID]) -> [Diagnostic] {
    var isSeen = [Bool](repeating: false, count: nodeSlots.count)
    var found: [Diagnostic] = []
    for id in nodes where contains(id) && !isSeen[id.index] {
      isSeen[id.index] = true
      found += verifyEdges(of: id)
    }
    return found
  }
}
