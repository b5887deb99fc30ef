internal import Basic
internal import IR

/// Why a subgraph that resembles a pattern is not one: the first condition that failed.
struct NearMiss: Error {
  /// One of the recogniser's conditions, with what was found instead.
  var reason: String
  /// Nodes of the pattern found so far.
  var nodes: [NodeID]

  /// `condition` is a sentence of the recogniser's list; `found` says what stands there instead.
  init(_ condition: String, found: String = "", _ nodes: [NodeID]) {
    reason = found.isEmpty ? condition : "\(condition) (\(found))"
    self.nodes = nodes
  }
}

/// Looks for one pattern that ends at a node: nil where nothing resembles it, a near miss where all but something does.
typealias PatternMatch = @Sendable (GraphMatcher, NodeID) throws(NearMiss) -> Recognition?

/// Why a target cannot run what was recognised; nil when it can.
typealias TargetObstacle = @Sendable (Recognition, GraphMatcher, Capabilities) -> String?

/// A recogniser as a pass: tries every node once, in execution order, on the graph as it stands then.
///
/// - `endsAt`: operators the pattern can end at; of elementwise ones, with the function.
/// - `form`: the kernel a target must have; nil for what every target runs.
/// - `conditions`: what near misses can name, for the generated documentation.
func recognizer(
  _ name: String, _ summary: String, endsAt: [any Operator], relative: Double = 1e-5, form: SemanticForm? = nil, conditions: [String] = [],
  obstacle: @escaping TargetObstacle = { _, _, _ in nil }, match: @escaping PatternMatch
) -> GraphPass {
  let last = endsAt.map { NodeKind($0) }
  return GraphPass(name, summary, preserves: .values(relative: relative), conditions: conditions) { rewriter, context throws(Failure) in
    let order = rewriter.executionOrder(of: last)
    var position = 0
    while let outcome = search(
      order, from: &position, in: rewriter, match: match,
      obstacle: { found, matcher in
        if let form, !context.capabilities.forms.contains(form) { return "the target has no \(form.rawValue) kernel" }
        return obstacle(found, matcher, context.capabilities)
      })
    {
      switch outcome {
      case .nearly(let miss):
        context.ledger.miss(name, rewriter.graph.originNames(of: miss.nodes), miss.reason)
      case .found(let recognition): rewriter.apply(recognition, rule: name, context)
      }
    }
    rewriter.eraseDeadConstants()
  }
}

private enum Outcome {
  case nearly(NearMiss)
  case found(Recognition)
}

/// The next match or near miss in an order of nodes. No copy of the graph outlives the call, so that the edit that follows
/// copies nothing.
private func search(
  _ order: [NodeID], from position: inout Int, in rewriter: borrowing Rewriter, match: PatternMatch,
  obstacle: (Recognition, GraphMatcher) -> String?
) -> Outcome? {
  let matcher = GraphMatcher(rewriter)
  while position < order.count {
    let id = order[position]
    position += 1
    guard matcher.graph.contains(id) else { continue }
    do throws(NearMiss) {
      guard let recognition = try match(matcher, id) else { continue }
      if let reason = obstacle(recognition, matcher) { throw NearMiss(reason, recognition.covers) }
      return .found(recognition)
    } catch {
      return .nearly(error)
    }
  }
  return nil
}

extension Graph {
  /// Source nodes that the given nodes stand for, each once.
  func originNames(of nodes: [NodeID]) -> [String] {
    var origin = Origin()
    for id in nodes.sorted() where contains(id) { origin.merge(self[id].origin) }
    return origin.names
  }
}
