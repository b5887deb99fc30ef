/// The readers of one value; a node that reads it twice stands twice.
///
/// Short lists keep their order. Long ones (a scalar that thousands of nodes read) find a node by its place, so that taking
/// a reader away costs the same however many there are.
struct UseList: Sendable {
  private(set) var nodes: [NodeID] = []
  /// One place of each node, for long lists only.
  private var places: [NodeID: Int]?
  /// Nodes that stand more than once in a long list.
  private var repeated: Set<NodeID> = []

  private static let longCount = 32

  init() {}

  mutating func append(_ node: NodeID) {
    if places != nil {
      if places?.updateValue(nodes.count, forKey: node) != nil { repeated.insert(node) }
    }
    nodes.append(node)
    if places == nil, nodes.count > Self.longCount { index() }
  }

  /// Takes one occurrence away.
  mutating func remove(_ node: NodeID) {
    guard places != nil else {
      if let place = nodes.firstIndex(of: node) { nodes.remove(at: place) }
      return
    }
    guard let place = places?.removeValue(forKey: node), let last = nodes.popLast() else { return }
    if place < nodes.count {
      nodes[place] = last
      places?[last] = place
    }
    if repeated.remove(node) != nil, let other = nodes.firstIndex(of: node) {
      places?[node] = other
      if nodes[(other + 1)...].contains(node) { repeated.insert(node) }
    }
  }

  mutating func removeAll() { self = UseList() }

  private mutating func index() {
    var places: [NodeID: Int] = [:]
    places.reserveCapacity(nodes.count * 2)
    for (place, node) in nodes.enumerated() where places.updateValue(place, forKey: node) != nil { repeated.insert(node) }
    self.places = places
  }
}
