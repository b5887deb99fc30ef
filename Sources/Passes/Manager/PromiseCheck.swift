internal import Basic
internal import IR

enum PromiseCheck {
  static func check(_ pass: GraphPass, before: Graph, after: Graph) throws(Failure) {}
}
