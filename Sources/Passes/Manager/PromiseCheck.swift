internal import Basic
internal import IR

/// Evaluates a graph before and after a pass on seeded inputs.
enum PromiseCheck {
  static func check(_ pass: GraphPass, before: Graph, after: Graph) throws(Failure) {
  }
}
