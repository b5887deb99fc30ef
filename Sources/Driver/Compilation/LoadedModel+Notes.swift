package import Basic
internal import IR
internal import Ops
package import Results

extension Graph {
  /// What the totals count of control flow that only the run decides, and what to do about it.
  var controlFlowNotes: [(what: String, fix: String)] {
    let choices = undecidedBranches.map { found in
      let unknown = uncountedNodes(inBranchesOf: found.node)
      let isThen = found.counted == "then"
      let counted = Self.amount(found.work, found.parameters, isThen ? unknown.then : unknown.else)
      let other = Self.amount(found.otherWork, found.otherParameters, isThen ? unknown.else : unknown.then)
      let dearer = unknown == (0, 0) ? "the dearer" : "the dearer as far as it can be told"
      return (
        "node '\(found.node)' is counted as its \(found.counted) branch, \(dearer): \(counted); the other: \(other)",
        "bind what decides it with --dim, or read the totals as the dearer case"
      )
    }
    let unknown = nodeIDs.compactMap { id -> (String, String)? in
      let count = self.uncounted(inRegionsOf: self[id])
      guard count > 0 else { return nil }
      return (
        "\(count) \(count == 1 ? "node" : "nodes") inside '\(self[id].name)' have extents that only the data give and count nothing",
        "bind more extents with --dim, or read the totals as a lower bound"
      )
    }
    return choices + unknown
  }

  /// Nodes in both branches of a choice whose work cannot be told: extents that only the data give.
  private func uncountedNodes(inBranchesOf name: String) -> (then: Int, else: Int) {
    guard let node = nodeIDs.lazy.map({ self[$0] }).first(where: { $0.name == name }), let choice = node.operation(as: If.self) else {
      return (0, 0)
    }
    func count(_ index: Int) -> Int {
      guard node.regions.indices.contains(index) else { return 0 }
      let region = node.regions[index]
      return region.nodeIDs.count { region.computation(of: region[$0]) == nil }
    }
    return (count(choice.thenRegion), count(choice.elseRegion))
  }

  private static func amount(_ work: Work, _ parameters: Int, _ uncounted: Int) -> String {
    func text(_ count: Int) -> String { count < 1000 ? "\(count)" : Format.count(Double(count)).trimmed }
    let known = "\(text(work.flops)) FLOPs and \(text(parameters)) parameters"
    return uncounted == 0 ? known : "\(known), and \(uncounted) of its nodes cannot be counted"
  }
}

extension String {
  fileprivate var trimmed: String { split(separator: " ").joined(separator: " ") }
}

extension LoadedModel {
  /// What was taken for granted about the model that the file does not say.
  package var assumptions: [Assumption] {
    let replaced = graph.source.replacements.map { Assumption(what: $0, basis: .assumed, source: "asked for on the command line") }
    let remarks = graph.source.remarks.filter { $0.severity == .note }
      .map { Assumption(what: $0.message, basis: .assumed, source: $0.fix ?? "") }
    return replaced + remarks
      + graph.unreachableBranches.map { found in
        Assumption(
          what: "node '\(found.node)' never runs its \(found.branch) branch, which does not fit these extents", basis: .assumed,
          source: found.reason)
      }
  }

  /// The same as warnings, with what to do about each.
  package var diagnostics: [Diagnostic] {
    let place = SourceLocation(file: graph.source.file)
    let replaced = graph.source.replacements.map { sentence in
      Diagnostic(.warning, sentence, at: place, fix: "make sure that the model is meant for this size")
    }
    return replaced + graph.source.remarks.filter { $0.severity == .warning }
      + graph.unreachableBranches.map { found in
        Diagnostic(
          .warning, "node '\(found.node)': its \(found.branch) branch does not fit these extents: \(found.reason)", at: place,
          fix: "bind other extents to see this branch; the other one is taken")
      }
  }

  /// Refuses extents of which the graph cannot be made: too many elements for any machine, or none at all in a result.
  func checkElements(_ dimensions: [String: Int]) throws(Failure) {
    let place = SourceLocation(file: graph.source.file)
    for id in graph.valueIDs {
      guard let type = graph.tensorType(id), type.constantShape != nil, type.elementCount.map({ $0 > TensorType.largestCount }) ?? true
      else { continue }
      throw Failure(
        "'\(graph[id].name)' \(type) has more than 2^48 elements, which no machine holds", at: place,
        fix: dimensions.isEmpty ? "check the extents of the file" : "bind smaller extents")
    }
    let zeros = dimensions.filter { $0.value == 0 }.keys.sorted()
    guard !zeros.isEmpty, let empty = graph.outputs.first(where: { graph.tensorType($0)?.elementCount == 0 }) else { return }
    throw Failure(
      "\(zeros.map { "\($0)=0" }.joined(separator: ", ")): output '\(graph[empty].name)' \(graph[empty].type) has no elements", at: place,
      fix: "give it at least 1")
  }
}
