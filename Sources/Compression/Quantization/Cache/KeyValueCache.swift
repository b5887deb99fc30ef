internal import Basic
internal import IR
internal import Ops

/// Keys and values of earlier steps: inputs of a model, and the results that the next step reads.
struct KeyValueCache {
  /// An input that holds entries, and the result that holds those of this step (all, or the new ones; nil where none does).
  struct Entry {
    var past: ValueID
    var written: ValueID?
    /// Nil where nothing tells keys from values.
    var role: CacheRole?
    var axes: Axes?
  }

  /// What the axes of a cache mean, beside images along the first; nil where that is not known.
  struct Axes: Hashable {
    /// One per head.
    var head: Int?
    /// One per step.
    var length: Int
    var channel: Int

    /// - Parameter length: the axis along which steps are appended.
    init?(rank: Int, length: Int) {
      guard rank == 3 || rank == 4, (1..<rank).contains(length) else { return nil }
      let others = (1..<rank).filter { $0 != length }
      (self.length, channel) = (length, others[others.count - 1])
      head = others.count > 1 ? others[0] : nil
    }
  }

  private(set) var entries: [Entry] = []

  /// Finds them by structure: an input that an attention reads as its cache, or one to which a step's entries are appended to
  /// make a result of the graph.
  init(_ graph: Graph) {
    let inputs = Set(graph.inputs)
    func isPast(_ value: ValueID?) -> ValueID? {
      guard let value, inputs.contains(value), graph.tensorType(value)?.element == .float32 else { return nil }
      return value
    }
    let roles = CacheRoles(graph)
    var found: [ValueID: Entry] = [:]
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      if let attention = node.operation as? any CachedAttention {
        for (slot, index) in attention.cacheInputs.enumerated() where index < node.inputs.count {
          guard let past = isPast(node.inputs[index]) else { continue }
          let output = slot < attention.cacheOutputs.count ? attention.cacheOutputs[slot] : node.outputs.count
          found[past] = Entry(
            past: past, written: output < node.outputs.count ? node.outputs[output] : nil, role: slot == 0 ? .keys : .values,
            axes: graph.tensorType(past).flatMap { Axes(rank: $0.rank, length: 2) })
        }
      } else if let joined = node.operation as? Concatenate, node.inputs.count == 2, let past = isPast(node.inputs[0]),
        graph.outputs.contains(node.outputs[0]), let rank = graph.tensorType(past)?.rank
      {
        let axis = joined.axis < 0 ? joined.axis + rank : joined.axis
        found[past] = Entry(
          past: past, written: node.outputs[0], role: roles.role(of: node.outputs[0]), axes: Axes(rank: rank, length: axis))
      }
    }
    entries = graph.inputs.compactMap { found[$0] }
    pairInPlace(graph)
  }

  /// Engines that write in place get the new entries as results of their own, in the order of the caches and after the model's
  /// other results: they are known by shapes that differ from the caches' along one axis.
  private mutating func pairInPlace(_ graph: Graph) {
    guard entries.allSatisfy({ $0.written == nil }) else { return }
    func fits(_ value: ValueID, _ past: ValueID) -> Bool {
      guard let a = graph.tensorType(value), let b = graph.tensorType(past), a.rank == b.rank, a.element == b.element else { return false }
      return zip(a.shape, b.shape).count { $0 != $1 } <= 1
    }
    let results = graph.outputs.suffix(entries.count).filter { graph[$0].producer != nil }
    guard results.count == entries.count, zip(results, entries).allSatisfy({ fits($0, $1.past) }) else { return }
    for (index, result) in results.enumerated() { entries[index].written = result }
  }
}
