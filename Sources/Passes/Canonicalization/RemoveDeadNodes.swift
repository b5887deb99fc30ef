internal import Basic
internal import IR

/// Erases nodes whose results nobody reads, and constants without readers.
package let removeDeadNodes = GraphPass(
  "remove-dead-nodes", "Erases nodes and constants that nobody reads.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder().reversed() {
    var isDead = true
    for output in rewriter.graph[id].outputs where !rewriter.isDead(output) { isDead = false }
    if isDead {
      rewriter.erase(id, reason: "nobody reads its result")
      context.count("dead")
    }
  }
  rewriter.eraseDeadConstants()
}
