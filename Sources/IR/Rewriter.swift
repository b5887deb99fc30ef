/// The only door through which a graph changes: keeps uses, carries origins, and records what changed.
package struct Rewriter: ~Copyable {
  package private(set) var graph: Graph
  /// Nodes that read each value.
  private var users: [UseList]
  /// What stands in each node slot, and the node that makes each value (−1 for none). Side by side in memory: passes ask both
  /// of every node, and following a reference to each costs more than the answer.
  private var kinds: [NodeKind?]
  private var producers: [Int]
  private var isOutput: Set<ValueID>
  /// Number of edits so far; zero means the graph is as it was.
  package private(set) var changeCount = 0
  /// Nodes made or changed since the last `takeTouched()`, for checks.
  private var touched: [NodeID] = []
  /// The execution order, while no edge has changed since it was computed.
  private var order: [NodeID]?
  /// Values that may have lost their last reader since dead constants were last erased; nil before the first look at all.
  private var forsaken: [ValueID]?

  package init(_ graph: Graph) {
    self.graph = graph
    users = [UseList](repeating: UseList(), count: graph.valueSlots.count)
    kinds = [NodeKind?](repeating: nil, count: graph.nodeSlots.count)
    producers = [Int](repeating: -1, count: graph.valueSlots.count)
    for index in graph.nodeSlots.indices {
      guard let node = graph.nodeSlots[index] else { continue }
      for case let input? in node.inputs { users[input.index].append(NodeID(index)) }
      for output in node.outputs { producers[output.index] = index }
      kinds[index] = NodeKind(node.operation)
    }
    isOutput = Set(graph.outputs)
  }

  /// Gives the edited graph back.
  package consuming func finish() -> Graph { graph }

  // MARK: Reading

  /// The nodes that read a value, in no particular order.
  package func users(of value: ValueID) -> [NodeID] { users[value.index].nodes }

  /// Who reads each value, for matchers that look at many.
  package var uses: Uses { Uses(lists: users, outputs: isOutput, kinds: kinds, producers: producers) }

  /// Who reads and who makes each value, as it was when this was taken.
  package struct Uses: Sendable {
    fileprivate let lists: [UseList]
    fileprivate let outputs: Set<ValueID>
    fileprivate let kinds: [NodeKind?]
    fileprivate let producers: [Int]

    /// The node that makes a value and its kind, without a look at the node.
    package func maker(_ value: ValueID) -> (id: NodeID, kind: NodeKind)? {
      let producer = producers[value.index]
      guard producer >= 0, let kind = kinds[producer] else { return nil }
      return (NodeID(producer), kind)
    }

    /// The only reader, when the value is no output of the graph.
    package func sole(_ value: ValueID) -> NodeID? {
      let nodes = lists[value.index].nodes
      return nodes.count == 1 && !outputs.contains(value) ? nodes[0] : nil
    }
  }

  /// An execution order of the graph as it stands; empty when it has a cycle, which verification reports.
  package mutating func executionOrder() -> [NodeID] {
    if let order { return order }
    let computed = graph.topologicalOrder() ?? []
    order = computed
    return computed
  }

  /// The nodes of some operators, in execution order.
  package mutating func executionOrder(of operators: [any Operator.Type]) -> [NodeID] {
    let wanted = operators.map { ObjectIdentifier($0) }
    return executionOrder().filter { id in kinds[id.index].map { wanted.contains($0.type) } ?? false }
  }

  /// The nodes of some kinds, in execution order.
  package mutating func executionOrder(of wanted: [NodeKind]) -> [NodeID] {
    executionOrder().filter { id in kinds[id.index].map(wanted.contains) ?? false }
  }

  /// True for a value that a node makes.
  package func isMade(_ value: ValueID) -> Bool { producers[value.index] >= 0 }

  /// The only reader of a value that is not a graph output.
  package func soleUser(of value: ValueID) -> NodeID? {
    users[value.index].nodes.count == 1 && !isOutput.contains(value) ? users[value.index].nodes[0] : nil
  }

  package func isGraphOutput(_ value: ValueID) -> Bool { isOutput.contains(value) }

  /// True when nothing reads the value.
  package func isDead(_ value: ValueID) -> Bool { users[value.index].nodes.isEmpty && !isOutput.contains(value) }

  package mutating func takeTouched() -> [NodeID] {
    defer { touched = [] }
    return touched
  }

  // MARK: Building

  @discardableResult
  package mutating func addInput(_ type: ValueType, name: String) -> ValueID {
    let id = addValue(Value(type: type, definition: .input, name: name))
    graph.inputs.append(id)
    return id
  }

  package mutating func addConstant(_ constant: Constant, name: String) -> ValueID {
    addValue(Value(type: .tensor(constant.type), definition: .constant(constant), name: name))
  }

  /// Appends a node whose output types are given; the first output takes the node's name unless names are given.
  @discardableResult
  package mutating func addNode(
    _ operation: any Operator, _ inputs: [ValueID?], types: [ValueType], name: String, origin: Origin,
    regions: [Graph] = [], outputNames: [String]? = nil
  ) -> NodeID {
    let id = NodeID(graph.nodeSlots.count)
    var outputs: [ValueID] = []
    for (index, type) in types.enumerated() {
      let outputName = outputNames.flatMap { index < $0.count ? $0[index] : nil } ?? (index == 0 ? name : "\(name).\(index)")
      outputs.append(addValue(Value(type: type, definition: .node(id, output: index), name: outputName), producer: id.index))
    }
    kinds.append(NodeKind(operation))
    graph.nodeSlots.append(
      Node(operation: operation, inputs: inputs, outputs: outputs, regions: regions, name: name, origin: origin))
    for case let input? in inputs { users[input.index].append(id) }
    order = nil
    changeCount += 1
    touched.append(id)
    return id
  }

  package mutating func setOutputs(_ outputs: [ValueID]) {
    graph.outputs = outputs
    isOutput = Set(outputs)
    forsaken = nil
    changeCount += 1
  }

  /// Gives results of the graph plain numbers: who runs it does not read encodings.
  package mutating func decodeOutputs() {
    for output in graph.outputs {
      guard case .tensor(var type)? = graph.valueSlots[output.index]?.type, graph[output].producer != nil else { continue }
      type.encoding = .dense
      setType(.tensor(type), of: output)
    }
  }

  // MARK: Changing

  package mutating func setType(_ type: ValueType, of value: ValueID) {
    guard graph.valueSlots[value.index]?.type != type else { return }
    graph.valueSlots[value.index]?.type = type
    if case .constant(var constant)? = graph.valueSlots[value.index]?.definition, case .tensor(let tensor) = type {
      constant.type = tensor
      graph.valueSlots[value.index]?.definition = .constant(constant)
    }
    changeCount += 1
  }

  package mutating func setConstant(_ constant: Constant, of value: ValueID) {
    graph.valueSlots[value.index]?.definition = .constant(constant)
    graph.valueSlots[value.index]?.type = .tensor(constant.type)
    order = nil
    forsaken?.append(value)
    changeCount += 1
  }

  package mutating func rename(_ value: ValueID, to name: String) { graph.valueSlots[value.index]?.name = name }

  package mutating func setInput(_ index: Int, of node: NodeID, to value: ValueID?) {
    order = nil
    guard let old = graph.nodeSlots[node.index]?.inputs[index] ?? nil else {
      graph.nodeSlots[node.index]?.inputs[index] = value
      if let value { users[value.index].append(node) }
      changeCount += 1
      return
    }
    guard old != value else { return }
    removeUse(of: old, by: node)
    graph.nodeSlots[node.index]?.inputs[index] = value
    if let value { users[value.index].append(node) }
    changeCount += 1
    touched.append(node)
  }

  package mutating func setOperation(_ operation: any Operator, of node: NodeID) {
    graph.nodeSlots[node.index]?.operation = operation
    kinds[node.index] = NodeKind(operation)
    changeCount += 1
    touched.append(node)
  }

  package mutating func mergeOrigin(_ origin: Origin, into node: NodeID) {
    // Most origins are there already, and a change makes the node anew.
    guard var merged = graph.nodeSlots[node.index]?.origin, merged.merge(origin) else { return }
    graph.nodeSlots[node.index]?.origin = merged
  }

  /// Makes every reader of `old` (and the graph's outputs) read `new` instead.
  package mutating func replaceUses(of old: ValueID, with new: ValueID) {
    guard old != new else { return }
    order = nil
    forsaken?.append(old)
    let readers = users[old.index].nodes
    users[old.index].removeAll()
    for reader in Set(readers).sorted() {
      guard var node = graph.nodeSlots[reader.index] else { continue }
      for index in node.inputs.indices where node.inputs[index] == old {
        node.inputs[index] = new
        users[new.index].append(reader)
      }
      graph.nodeSlots[reader.index] = node
      touched.append(reader)
    }
    if isOutput.contains(old) {
      graph.outputs = graph.outputs.map { $0 == old ? new : $0 }
      isOutput = Set(graph.outputs)
      // A graph output keeps the name by which users know it.
      if case .node? = graph.valueSlots[new.index]?.definition, let name = graph.valueSlots[old.index]?.name {
        graph.valueSlots[new.index]?.name = name
      }
    }
    changeCount += 1
  }

  /// Removes a node whose outputs nobody reads, giving its origin to `heir` or listing it as folded.
  package mutating func erase(_ node: NodeID, reason: String, heir: NodeID? = nil) {
    guard let erased = graph.nodeSlots[node.index] else { return }
    order = nil
    for output in erased.outputs {
      let dead = isDead(output)
      precondition(dead, "erasing a node that is still read")
    }
    for case let input? in erased.inputs { removeUse(of: input, by: node) }
    for output in erased.outputs { graph.valueSlots[output.index] = nil }
    graph.nodeSlots[node.index] = nil
    kinds[node.index] = nil
    if let heir {
      mergeOrigin(erased.origin, into: heir)
    } else {
      graph.folded += erased.origin.names.map { FoldedNode(name: $0, reason: reason) }
    }
    changeCount += 1
  }

  /// Lists source nodes as folded without erasing anything.
  package mutating func recordFolded(_ names: [String], reason: String) {
    graph.folded += names.map { FoldedNode(name: $0, reason: reason) }
  }

  /// Erases constants that nobody reads.
  package mutating func eraseDeadConstants() {
    let candidates = forsaken ?? graph.valueSlots.indices.map(ValueID.init)
    forsaken = []
    for value in candidates where isDead(value) {
      guard case .constant? = graph.valueSlots[value.index]?.definition else { continue }
      graph.valueSlots[value.index] = nil
      changeCount += 1
    }
  }

  private mutating func addValue(_ value: Value, producer: Int = -1) -> ValueID {
    let id = ValueID(graph.valueSlots.count)
    graph.valueSlots.append(value)
    users.append(UseList())
    producers.append(producer)
    forsaken?.append(id)
    return id
  }

  private mutating func removeUse(of value: ValueID, by node: NodeID) {
    users[value.index].remove(node)
    if users[value.index].nodes.isEmpty { forsaken?.append(value) }
  }
}
