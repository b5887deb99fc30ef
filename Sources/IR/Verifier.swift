package import Basic

extension Graph {
  /// Checks every invariant of a graph; an empty result means it is well formed.
  ///
  /// Labels: `dangling-input`, `dangling-output`, `definition-matches`, `unique-node-name`, `acyclic`, `types-agree`.
  package func verify() -> [Diagnostic] {
    var found: [Diagnostic] = []
    func report(_ label: String, _ message: String) { found.append(.error("graph '\(name)': \(message) [\(label)]")) }
    var names: Set<String> = []
    names.reserveCapacity(nodeSlots.count)
    for id in nodeIDs {
      if !names.insert(self[id].name).inserted { report("unique-node-name", "two nodes are named '\(self[id].name)'") }
      found += verifyEdges(of: id)
    }
    for output in outputs where !contains(output) { report("dangling-output", "a graph output does not exist") }
    if found.isEmpty, topologicalOrder() == nil { report("acyclic", "the nodes form a cycle") }
    return found
  }

  /// Checks that what a node reads exists, that its outputs name it, and its regions. Labels as in `verify`.
  package func verifyEdges(of id: NodeID) -> [Diagnostic] {
    let node = self[id]
    var found: [Diagnostic] = []
    func report(_ label: String, _ message: String) { found.append(.error("graph '\(name)': \(message) [\(label)]")) }
    for case let input? in node.inputs where !contains(input) {
      report("dangling-input", "node '\(node.name)' reads value \(input.index), which does not exist")
    }
    for (index, output) in node.outputs.enumerated() {
      guard contains(output), case .node(let producer, let position) = self[output].definition, producer == id, position == index
      else {
        report("definition-matches", "output \(index) of node '\(node.name)' does not name it as its producer")
        continue
      }
    }
    for region in node.regions { found += region.verify() }
    return found
  }

  /// Infers every node's types again and reports where the stored ones disagree.
  package func verifyTypes() -> [Diagnostic] {
    var found: [Diagnostic] = []
    var contents: [ValueID: ShapeContents] = [:]
    for id in topologicalOrder() ?? [] {
      let node = self[id]
      let context = inferenceContext(
        inputs: node.inputs, outputCount: node.outputs.count, regions: node.regions, nodeName: node.name
      ) { contents[$0] }
      for (output, known) in zip(node.outputs, node.operation.inferContents(context)) where known != nil {
        contents[output] = known
      }
      do {
        let types = try node.operation.inferTypes(context)
        for (output, type) in zip(node.outputs, types) where !type.agrees(with: self[output].type) {
          found.append(
            .error("node '\(node.name)': stored type \(self[output].type) but inferred \(type) [types-agree]"))
        }
      } catch {
        found.append(.error("node '\(node.name)': \(error)"))
      }
    }
    return found
  }
}

extension ValueType {
  /// Equal element types and, where both extents are numbers, equal extents; encodings are the compressor's business.
  package func agrees(with other: ValueType) -> Bool {
    switch (self, other) {
    case (.tensor(let a), .tensor(let b)):
      a.element == b.element && a.rank == b.rank
        && zip(a.shape, b.shape).allSatisfy { x, y in x.constant == nil || y.constant == nil || x == y }
    case (.unranked(let a), .unranked(let b)): a == b
    case (.unranked(let a), .tensor(let b)), (.tensor(let b), .unranked(let a)): a == b.element
    case (.sequence(let a), .sequence(let b)), (.optional(let a), .optional(let b)): a.agrees(with: b)
    default: false
    }
  }
}
