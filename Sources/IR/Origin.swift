/// Which source layers a node stands for; fusion merges origins, so a span of the timeline finds its model nodes.
package struct Origin: Hashable, Sendable {
  /// Names of source nodes, in the order of the model file, each at most once.
  package private(set) var names: [String]

  package init(_ names: [String] = []) { self.names = names }

  package mutating func merge(_ other: Origin) {
    guard !other.names.isEmpty, other != self else { return }
    if names.isEmpty {
      names = other.names
      return
    }
    if names.count + other.names.count <= 16 {
      for name in other.names where !names.contains(name) { names.append(name) }
      return
    }
    var seen = Set(names)
    for name in other.names where seen.insert(name).inserted { names.append(name) }
  }
}
