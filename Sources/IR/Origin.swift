/// Which source layers a node stands for; fusion merges origins, so a span of the timeline finds its model nodes.
package struct Origin: Hashable, Sendable {
  /// Names of source nodes, in the order of the model file, each at most once.
  package private(set) var names: [String]

  package init(_ names: [String] = []) { self.names = names }

  /// True when names came in that were not there.
  @discardableResult
  package mutating func merge(_ other: Origin) -> Bool {
    guard !other.names.isEmpty, other != self else { return false }
    let before = names.count
    if names.isEmpty {
      names = other.names
    } else if names.count + other.names.count <= 16 {
      for name in other.names where !names.contains(name) { names.append(name) }
    } else {
      var seen = Set(names)
      for name in other.names where seen.insert(name).inserted { names.append(name) }
    }
    return names.count > before
  }
}
