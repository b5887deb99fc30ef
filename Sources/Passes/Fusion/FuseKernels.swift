internal import Basic
internal import IR
internal import Ops

/// Gathers nodes into kernels: contraction + epilogue, transposes into operands, pointwise chains, reductions as sinks.
///
/// Before `%1 = conv(%0,…)`, `%2 = unary(%1) relu`; after one `fused` node with both in its body. What may join comes from the
/// target's `Capabilities`; every group and every near miss is written to the ledger. Linear in nodes and edges.
package let fuseKernels = GraphPass(
  "fuse-kernels", "Gathers nodes into the kernels the target can run as one.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  let planner = FusionPlanner(rewriter.graph, context)
  var names = SourceNames(rewriter.graph)
  for group in planner.groups() {
    context.ledger.apply(group.rule, group.members.flatMap { rewriter.graph[$0].origin.names })
    makeFusedNode(group, in: &rewriter, &names)
  }
}

/// Decides the groups of a graph without changing it.
private struct FusionPlanner {
  private let graph: Graph
  private let facts: FusionFacts
  private let context: PassContext
  private var taken: [Bool]

  init(_ graph: Graph, _ context: PassContext) {
    self.graph = graph
    self.context = context
    facts = FusionFacts(graph)
    taken = [Bool](repeating: false, count: graph.nodeSlots.count)
  }

  /// Groups of at least two nodes, in execution order of their first member.
  consuming func groups() -> [FusionGroup] {
    var result: [FusionGroup] = []
    for pass in [Seed.contraction, .reduction, .pointwise] {
      for node in facts.order where !taken[node.index] && graph[node].operation.fusionRule == nil {
        guard let group = group(from: node, pass) else { continue }
        for member in group.members { taken[member.index] = true }
        if group.members.count > 1 { result.append(group) }
      }
    }
    return result.sorted { facts.position[$0.members[0].index] < facts.position[$1.members[0].index] }
  }

  private enum Seed { case contraction, reduction, pointwise }

  private func group(from node: NodeID, _ seed: Seed) -> FusionGroup? {
    guard let computation = facts.computation(node), graph[node].outputs.count >= 1 else { return nil }
    switch (computation, seed) {
    case (.contraction, .contraction): return contractionGroup(node, computation, rule: "contraction-epilogue")
    case (.attention, .contraction): return contractionGroup(node, computation, rule: "attention-epilogue")
    case (.reduction(let reduction), .reduction): return reductionGroup(node, computation, isWindowed: reduction.window != nil)
    case (.pointwise, .pointwise): return chain(node, computation)
    default: return nil
    }
  }

  private func start(_ node: NodeID, _ computation: Computation, rule: String) -> FusionGroup {
    var group = FusionGroup(
      node, result: graph[node].outputs[0], count: computation.resultCount,
      inputs: Set(graph[node].inputs.compactMap { $0 }), rule: rule)
    group.anchor = computation.isPointwise ? nil : node
    return group
  }

  private var grower: FusionGrower {
    let taken = self.taken
    return FusionGrower(graph: graph, facts: facts, capabilities: context.capabilities, isTaken: { taken[$0.index] })
  }

  // MARK: Contractions

  private func contractionGroup(_ node: NodeID, _ computation: Computation, rule: String) -> FusionGroup {
    var group = start(node, computation, rule: rule)
    guard graph[node].outputs.count == 1 else { return group }
    absorbOperandLoads(&group)
    let capabilities = context.capabilities
    func allows(_ reader: NodeID, _ pointwise: Pointwise) -> String? {
      if completes(reader, node) { return nil }
      let functions = capabilities.epilogueFunctions
      let isBias = pointwise.function == "add" && pointwise.inputs.count { !$0.isConstant } == 1
      guard functions.contains("*") || functions.contains(pointwise.function) || (isBias && functions.contains("bias")) else {
        return "the target has no epilogue for \(pointwise.function)"
      }
      let tensors = pointwise.inputs.count { !$0.isConstant && $0.count == pointwise.count }
      guard tensors < 2 || capabilities.fusesResidual else { return "the target cannot add a second tensor in an epilogue" }
      return nil
    }
    var stop = grower.grow(&group, allows: allows)
    if case .attention = computation, let merge = stop.node, mergesHeads(merge, group) {
      if capabilities.attention.forms.contains(.mergedHeads) {
        group.append(merge)
        group.result = graph[merge].outputs[0]
        stop = grower.grow(&group, allows: allows)
      } else {
        context.ledger.miss(rule, graph.originNames(of: [node, merge]), "the target's attention does not store merged heads")
      }
    }
    dropTrailingViews(&group)
    recordNearMiss(group, stop)
    return group
  }

  /// A transposition that keeps the features of a head together and is the only reader of what the group computes.
  private func mergesHeads(_ node: NodeID, _ group: FusionGroup) -> Bool {
    guard let transpose = graph[node].operation as? Transpose, !taken[node.index], facts.users[group.result.index].count == 1,
      case .movement(let movement)? = facts.computation(node), movement.kind == .transpose,
      let rank = graph.tensorType(group.result)?.rank, let order = try? transpose.order(rank: rank)
    else { return false }
    return order.last == rank - 1
  }

  /// The nodes that repeat a constant mask for every image: its loads go round instead.
  private func absorbRepetition(of mask: ValueID, _ group: inout FusionGroup) {
    var (value, nodes) = (mask, [NodeID]())
    while let producer = graph[value].producer, !taken[producer.index], graph[producer].outputs.count == 1,
      facts.users[value.index].count == 1, !facts.graphOutputs.contains(value), let input = graph[producer].inputs[0]
    {
      nodes.append(producer)
      if graph[producer].operation is Expand, graph[input].constant != nil {
        take(nodes, endingAt: mask, &group)
        return
      }
      guard facts.computation(producer)?.isView == true else { return }
      value = input
    }
  }

  /// Adds nodes whose last value is an operand of the group.
  private func take(_ nodes: [NodeID], endingAt operand: ValueID, _ group: inout FusionGroup) {
    group.insert(nodes, orderedBy: facts.position)
    group.inputs.remove(operand)
    for node in nodes { group.inputs.formUnion(graph[node].inputs.compactMap { $0 }) }
    for node in nodes { group.inputs.subtract(graph[node].outputs) }
  }

  /// What the operand loads of this contraction do on the way, where nobody else reads the result.
  private func absorbOperandLoads(_ group: inout FusionGroup) {
    guard let anchor = group.members.first else { return }
    var loads = context.capabilities.operandLoads
    if case .attention? = facts.computation(anchor) {
      loads = context.capabilities.attention.loads
      for case let input? in graph[anchor].inputs.prefix(3) { absorbSplitHeads(of: input, loads, &group) }
      for case let input? in graph[anchor].inputs.dropFirst(3).prefix(1) { absorbRepetition(of: input, &group) }
    }
    for case let input? in graph[anchor].inputs { absorbOperandLoads(of: input, loads, &group) }
  }

  /// The nodes from a transposition to an operand of attention, when only views that keep the features of a head together stand
  /// between: heads [b·h, s, d] are read where [b, s, h, d] lie.
  private func absorbSplitHeads(of operand: ValueID, _ loads: [OperandLoad], _ group: inout FusionGroup) {
    var (value, nodes) = (operand, [NodeID]())
    while let producer = graph[value].producer, !taken[producer.index], graph[producer].outputs.count == 1,
      facts.users[value.index].count == 1, !facts.graphOutputs.contains(value), let input = graph[producer].inputs[0],
      let computation = facts.computation(producer), let depth = graph.tensorType(value)?.shape.last
    {
      nodes.append(producer)
      if computation.operandLoad == .transpose, loads.contains(.transpose), let transpose = graph[producer].operation as? Transpose,
        let rank = graph.tensorType(input)?.rank, let order = try? transpose.order(rank: rank), order.last == rank - 1, nodes.count > 1
      {
        take(nodes, endingAt: operand, &group)
        return
      }
      guard computation.isView, graph.tensorType(input)?.shape.last == depth else { return }
      value = input
    }
  }

  /// Walks up from one operand: a transposition of a dequantised tensor is done by the load as well.
  private func absorbOperandLoads(of operand: ValueID, _ loads: [OperandLoad], _ group: inout FusionGroup) {
    var value = operand
    var done: Set<OperandLoad> = []
    while let producer = graph[value].producer, !taken[producer.index], graph[producer].outputs.count == 1,
      let load = facts.computation(producer)?.operandLoad, done.insert(load).inserted
    {
      let members = group.members
      func miss(_ reason: String) { context.ledger.miss("operand-load", graph.originNames(of: members + [producer]), reason) }
      guard loads.contains(load) else {
        return miss("the target's operand loads do not \(load.rawValue)")
      }
      let readers = facts.users[value.index].count
      guard readers == 1, !facts.graphOutputs.contains(value) else {
        return miss("the result of the \(load.rawValue) has \(readers) readers")
      }
      group.insert([producer], orderedBy: facts.position)
      group.inputs.remove(value)
      group.inputs.formUnion(graph[producer].inputs.compactMap { $0 })
      guard let next = graph[producer].inputs.first ?? nil else { return }
      value = next
    }
  }

  /// Views at the end of a group do nothing inside it.
  private func dropTrailingViews(_ group: inout FusionGroup) {
    while group.members.count > 1, let last = group.members.last, facts.computation(last)?.isView == true,
      let input = graph[last].inputs.first ?? nil
    {
      group.removeLast()
      group.result = input
    }
  }

  /// An elementwise or reducing reader right behind a kernel that did not join is worth telling.
  private func recordNearMiss(_ group: FusionGroup, _ stop: FusionGrower.Stop) {
    guard let node = stop.node else { return }
    switch facts.computation(node) {
    case .pointwise, .reduction: context.ledger.miss(group.rule, graph.originNames(of: group.members + [node]), stop.reason)
    case .contraction, .attention, .movement, .loop, .opaque, nil: break
    }
  }

  // MARK: Reductions and chains

  /// A reduction takes the pointwise chain that only it reads, and the pointwise chain on its result.
  private func reductionGroup(_ node: NodeID, _ computation: Computation, isWindowed: Bool) -> FusionGroup {
    var group = start(node, computation, rule: "reduction-sink")
    guard graph[node].outputs.count == 1 else { return group }
    if context.capabilities.fusesReductionSinks, !isWindowed {
      absorbProducers(of: graph[node].inputs.first ?? nil, into: &group, takesGathers: context.capabilities.fusesGathers)
      if facts.isGather(group.members[0]) { group.rule = "gather-reduction" }
    }
    let takesChains = context.capabilities.fusesPointwiseChains && !isWindowed
    let stop = grower.grow(&group) { reader, _ in takesChains || completes(reader, node) ? nil : "the target fuses no chain here" }
    dropTrailingViews(&group)
    recordNearMiss(group, stop)
    return group
  }

  /// What belongs to an operator and not to a chain behind it: the requantisation of its result, and the parts of one source
  /// node. It joins whatever else the target fuses.
  private func completes(_ reader: NodeID, _ anchor: NodeID) -> Bool {
    let (parts, whole) = (graph[reader].origin.names, graph[anchor].origin.names)
    return graph[reader].operation is Quantize || (!parts.isEmpty && parts.allSatisfy(whole.contains))
  }

  /// Pulls producers into the group as long as they are pointwise, of the value's size, and read by the group only.
  ///
  /// Rows looked up in a table may begin it (an embedding before its normalisation).
  private func absorbProducers(of value: ValueID?, into group: inout FusionGroup, takesGathers: Bool) {
    guard let value, let size = graph.tensorType(value)?.elementCount else { return }
    var members = group.memberSet
    var worklist = [value]
    while let value = worklist.popLast() {
      guard let producer = graph[value].producer, !members.contains(producer), !taken[producer.index],
        graph[producer].operation.fusionRule == nil, graph[producer].outputs.count == 1, !facts.graphOutputs.contains(value),
        facts.users[value.index].allSatisfy(members.contains), let computation = facts.computation(producer)
      else { continue }
      switch computation {
      case .pointwise(let pointwise) where pointwise.count == size: break
      case .movement(let movement) where movement.kind == .view || movement.kind == .cast: break
      case .movement(let movement) where movement.kind == .gather && takesGathers && movement.outputs.first?.count == size: break
      default: continue
      }
      let inputs = group.inputs.subtracting([value]).union(graph[producer].inputs.compactMap { $0 })
      guard inputs.count <= context.capabilities.maximumKernelInputs else { continue }
      members.insert(producer)
      group.inputs = inputs
      worklist += graph[producer].inputs.compactMap { $0 }
    }
    group.insert(members, orderedBy: facts.position)
    // Leading views belong to nobody.
    while group.members.count > 1, facts.computation(group.members[0])?.isView == true { group.removeFirst() }
  }

  private func chain(_ node: NodeID, _ computation: Computation) -> FusionGroup? {
    guard graph[node].outputs.count == 1 else { return nil }
    var group = start(node, computation, rule: "pointwise-chain")
    let takesChains = context.capabilities.fusesPointwiseChains
    let stop = grower.grow(&group) { reader, _ in takesChains || completes(reader, node) ? nil : "the target fuses no chains" }
    dropTrailingViews(&group)
    for member in takesChains ? group.members : [] {
      for case let input? in graph[member].inputs where facts.users[input.index].count == 1 {
        absorbProducers(of: input, into: &group, takesGathers: false)
      }
    }
    recordNearMiss(group, stop)
    return group
  }
}

extension Computation {
  /// The change of an operand that a contraction's load can make, if this is one.
  fileprivate var operandLoad: OperandLoad? {
    if case .movement(let movement) = self, movement.kind == .transpose { .transpose } else { nil }
  }
}
