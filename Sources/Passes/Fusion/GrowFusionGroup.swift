internal import IR

/// Grows a fusion group forward over pointwise computations and views, as far as one value leaves it.
///
/// Several readers of a value are fine when their paths meet again within the group (a diamond such as x·sigmoid(x)): the
/// group is extended until exactly one value has readers outside, the post-dominator of everything taken.
struct FusionGrower {
  let graph: Graph
  let facts: FusionFacts
  let capabilities: Capabilities
  /// Nodes that already belong to a kernel.
  let isTaken: (NodeID) -> Bool
  /// Nodes a diamond may have before it is given up.
  private let diamondLimit = 16

  /// Why a group stopped growing: the first condition that failed and the node it failed at.
  struct Stop {
    var node: NodeID?
    var reason: String
  }

  /// Extends `group` as far as possible and says what stopped it.
  func grow(_ group: inout FusionGroup, allows: (NodeID, Pointwise) -> String?) -> Stop {
    while true {
      guard !facts.graphOutputs.contains(group.result) else { return Stop(node: nil, reason: "the value is an output of the graph") }
      let readers = facts.users[group.result.index]
      guard let first = readers.min(by: { facts.position[$0.index] < facts.position[$1.index] }) else {
        return Stop(node: nil, reason: "nobody reads the value")
      }
      if readers.allSatisfy({ $0 == first }) {
        // What another kernel has taken is no miss.
        if let reason = obstacle(first, group, allows) { return Stop(node: isTaken(first) ? nil : first, reason: reason) }
        add(first, to: &group)
        continue
      }
      switch diamond(group, allows) {
      case .success(let extended): group = extended
      case .failure(let stop): return Stop(node: stop.node ?? first, reason: stop.reason)
      }
    }
  }

  /// Why the node cannot join, nil when it can.
  private func obstacle(_ node: NodeID, _ group: FusionGroup, _ allows: (NodeID, Pointwise) -> String?) -> String? {
    guard !isTaken(node) else { return "it is already part of another kernel" }
    guard graph[node].outputs.count == 1 else { return "it has several results" }
    guard let computation = facts.computation(node) else { return "its computation is not known (control flow or unbound shape)" }
    switch computation {
    case .movement(let movement) where movement.kind == .view: break
    case .movement(let movement) where movement.kind == .cast: break
    case .pointwise(let pointwise):
      guard pointwise.count == group.count else {
        return "\(pointwise.function) has \(pointwise.count) elements where the kernel has \(group.count)"
      }
      if let reason = allows(node, pointwise) { return reason }
    case .contraction: return "a contraction cannot join the epilogue of another kernel"
    case .attention: return "attention is a kernel of its own"
    case .reduction(let reduction): return "\(reduction.kind.rawValue) reduces over the result"
    case .movement(let movement): return "\(movement.kind.rawValue) moves data between elements"
    case .loop, .opaque: return "its body is not elementwise"
    }
    let inputs = externalInputs(of: node, group)
    guard
      group.inputs.count + inputs.count <= capabilities.maximumKernelInputs
        || group.inputs.union(inputs).count <= capabilities.maximumKernelInputs
    else {
      return "the kernel would read more than \(capabilities.maximumKernelInputs) tensors"
    }
    return nil
  }

  private func externalInputs(of node: NodeID, _ group: FusionGroup) -> [ValueID] {
    graph[node].inputs.compactMap { $0 }.filter { input in
      graph[input].producer.map { !group.memberSet.contains($0) } ?? true
    }
  }

  private func add(_ node: NodeID, to group: inout FusionGroup) {
    group.inputs.formUnion(externalInputs(of: node, group))
    group.append(node)
    group.result = graph[node].outputs[0]
  }

  private struct Obstacle: Error {
    var node: NodeID?
    var reason: String
  }

  /// Takes readers in execution order until one value leaves the group again.
  private func diamond(_ group: FusionGroup, _ allows: (NodeID, Pointwise) -> String?) -> Result<FusionGroup, Obstacle> {
    var extended = group
    var open: Set<ValueID> = [group.result]
    for _ in 0..<diamondLimit {
      let pending = Set(open.flatMap { facts.users[$0.index] }).subtracting(extended.memberSet)
      guard let next = pending.min(by: { facts.position[$0.index] < facts.position[$1.index] }) else {
        return .failure(Obstacle(reason: "several of its values are read elsewhere"))
      }
      if let reason = obstacle(next, extended, allows) {
        return .failure(Obstacle(node: next, reason: "the value has \(facts.users[group.result.index].count) readers, and \(reason)"))
      }
      add(next, to: &extended)
      open.insert(extended.result)
      let members = extended.memberSet
      open = open.filter { value in
        facts.graphOutputs.contains(value) || value == extended.result || facts.users[value.index].contains { !members.contains($0) }
      }
      if open == [extended.result] { return .success(extended) }
    }
    return .failure(
      Obstacle(reason: "the value has \(facts.users[group.result.index].count) readers that do not meet within \(diamondLimit) nodes"))
  }
}
