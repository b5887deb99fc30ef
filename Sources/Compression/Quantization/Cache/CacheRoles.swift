internal import IR
internal import Ops

/// What a cache holds.
enum CacheRole: String, Sendable { case keys, values }

/// Tells caches of keys from those of values by the products that read them: values are multiplied by what a softmax gave.
struct CacheRoles {
  private let graph: Graph
  private let users: [[NodeID]]
  /// Nodes between a cache and its product that are looked at.
  private static let reach = 32

  init(_ graph: Graph) {
    self.graph = graph
    users = graph.usersByValue()
  }

  /// Nil when no product is found.
  func role(of cache: ValueID) -> CacheRole? {
    var (open, seen) = ([cache], Set([cache]))
    while let value = open.popLast(), seen.count <= Self.reach {
      for id in users[value.index] {
        let node = graph[id]
        if node.operation is ScaledDotProductAttention || node.operation is MultiHeadAttention {
          switch node.inputs.firstIndex(of: value) {
          case 1: return .keys
          case 2: return .values
          default: continue
          }
        }
        if node.operation is MatrixMultiply, let other = node.inputs.first(where: { $0 != value }) {
          return comesFromSoftmax(other) ? .values : .keys
        }
        guard passesOn(node) else { continue }
        open += node.outputs.filter { seen.insert($0).inserted }
      }
    }
    return nil
  }

  /// Whether a value is weights of an attention, perhaps cast or dropped out of.
  private func comesFromSoftmax(_ value: ValueID?) -> Bool {
    var value = value
    for _ in 0..<Self.reach {
      guard let id = graph.producer(value) else { return false }
      let node = graph[id]
      if node.operation is Softmax { return true }
      let isChosen = node.operation is Where
      guard passesOn(node) || isChosen else { return false }
      value = node.inputs.dropFirst(isChosen ? 1 : 0).first { $0.map { graph[$0].constant == nil } ?? false } ?? nil
    }
    return false
  }

  /// Whether a node only moves numbers, repeats heads, or scales them.
  private func passesOn(_ node: Node) -> Bool {
    switch node.operation {
    case is Transpose, is Reshape, is Expand, is Unsqueeze, is Squeeze, is Slice, is Cast, is Tile, is Identity, is Dropout: true
    case let binary as BinaryElementwise: binary.function == .mul || binary.function == .div
    default: false
    }
  }
}
