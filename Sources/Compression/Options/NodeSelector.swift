package import Basic
package import IR
internal import Ops

/// Which nodes a stage works on: ONNX operator names (`Conv`), node names, and `re:` patterns over node names.
package struct NodeSelector: Sendable {
  private let words: Set<String>
  private let patterns: [String]

  /// - Parameter location: where the list stands, for a pattern that is not a regular expression.
  package init(_ entries: [String], at location: SourceLocation) throws(Failure) {
    words = Set(entries.filter { !$0.hasPrefix("re:") })
    patterns = entries.filter { $0.hasPrefix("re:") }.map { String($0.dropFirst(3)) }
    for pattern in patterns where (try? Regex(pattern)) == nil {
      throw Failure("'re:\(pattern)' is not a regular expression", at: location, fix: "see the syntax of Swift's Regex")
    }
  }

  package static let everything = NodeSelector()

  private init() {
    words = []
    patterns = [".*"]
  }

  /// A pattern must match from the first character of a source name of the node.
  package func matches(_ node: Node) -> Bool {
    if let operation = node.operation as? any ONNXOperator, words.contains(operation.exportONNX().name.type) { return true }
    let names = [node.name] + node.origin.names
    if names.contains(where: words.contains) { return true }
    return patterns.contains { pattern in
      guard let regex = try? Regex(pattern) else { return false }
      return names.contains { $0.prefixMatch(of: regex) != nil }
    }
  }
}
