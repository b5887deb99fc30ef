package import Basic
package import IR

/// The kernels of a fused graph, and the source nodes that need none.
package struct KernelProgram: Sendable {
  package var kernels: [Kernel]
  /// Views and nodes computed at compile time, each with the reason.
  package var folded: [FoldedNode]

  /// Turns every top-level node into a kernel, in execution order; views become nothing and alias what they view.
  ///
  /// - `readsSlices`: slices and parts of a split are views too; their readers touch a part of the tensor.
  package init(_ graph: Graph, readsSlices: Bool = false) throws(Failure) {
    var builder = KernelBuilder(graph, readsSlices: readsSlices)
    try builder.build()
    // One source node may have become several: each is listed once, whoever folded its parts.
    builder.folded.insert(contentsOf: graph.folded, at: 0)
    builder.creditSources()
    kernels = builder.kernels
    folded = builder.folded
  }
}

extension KernelProgram {
  /// The constants that kernels read, each once.
  package var weights: [Operand] {
    var seen: Set<Int> = []
    return kernels.flatMap(\.reads).filter { $0.operand.isConstant && seen.insert($0.id).inserted }.map(\.operand)
  }

  package var weightBytes: Int { weights.reduce(0) { $0 + $1.bytes } }
}

private struct KernelBuilder {
  let graph: Graph
  let readsSlices: Bool
  var kernels: [Kernel] = []
  var folded: [FoldedNode] = []
  /// What a view stands for.
  private var aliases: [ValueID: ValueID] = [:]
  /// Elements of a view that has fewer than what it stands for.
  private var parts: [ValueID: Int] = [:]
  private var producers: [ValueID: Int] = [:]
  private var failures: [Diagnostic] = []
  /// Numbers of constants inside regions, which no value of the graph has.
  private var nextInner: Int

  init(_ graph: Graph, readsSlices: Bool) {
    self.graph = graph
    self.readsSlices = readsSlices
    nextInner = graph.valueSlots.count
  }

  mutating func build() throws(Failure) {
    guard let order = graph.topologicalOrder() else { throw Failure("graph '\(graph.name)' has a cycle") }
    for id in order { add(graph[id]) }
    guard failures.isEmpty else { throw Failure(failures) }
  }

  /// A source node that several kernels stand for is credited to the one that does most of its work; views are not listed as
  /// folded when a kernel carries out the rest of their source node.
  mutating func creditSources() {
    var owner: [String: Int] = [:]
    for kernel in kernels {
      for name in kernel.origin {
        guard let other = owner[name] else {
          owner[name] = kernel.id
          continue
        }
        if kernel.work.flops > kernels[other].work.flops { owner[name] = kernel.id }
      }
    }
    for index in kernels.indices { kernels[index].origin.removeAll { owner[$0] != index } }
    var listed: Set<String> = []
    folded.removeAll { owner[$0.name] != nil || !listed.insert($0.name).inserted }
  }

  private mutating func add(_ node: Node) {
    let steps: [Kernel.Step]
    do throws(OperatorError) {
      steps = try self.steps(of: node)
    } catch {
      failures.append(.error("node '\(node.name)' (\(type(of: node.operation).name)): \(error)"))
      return
    }
    if let heavy = steps.first(where: { $0.computation.work.flops > Work.largest }) {
      failures.append(.error("node '\(node.name)' (\(heavy.label)) needs more than 2^58 operations: bind smaller extents"))
      return
    }
    // A view may have further outputs that nobody needs to run, such as the mask of a dropout.
    if steps.allSatisfy(\.computation.isView), let input = node.inputs.first ?? nil, let output = node.outputs.first {
      aliases[output] = resolve(input)
      parts[output] = parts[input]
      folded += node.origin.names.map { FoldedNode(name: $0, reason: "a view: no bytes move") }
      return
    }
    if readsSlices, steps.count == 1, takesParts(node, steps[0].computation) { return }
    let busy = steps.filter { !$0.computation.isView }
    let id = kernels.count
    let gathered = gatheredElements(of: node)
    var reads: [Kernel.Tensor] = []
    var dependencies: Set<Int> = []
    var seen: Set<ValueID> = []
    for case let input? in node.inputs {
      let value = resolve(input)
      guard seen.insert(value).inserted else {
        touch(input, of: value, in: &reads)
        continue
      }
      if let producer = producers[value] { dependencies.insert(producer) }
      guard graph[value].constant?.shapeContents == nil, var tensor = tensor(value) else { continue }
      if let elements = gathered[input] ?? parts[input], tensor.operand.count > 0 {
        tensor.touchedBytes = Int(Double(tensor.operand.bytes) * min(1, Double(elements) / Double(tensor.operand.count)))
      }
      reads.append(tensor)
    }
    for step in busy { touchExperts(of: step, in: &reads) }
    if node.operation.fusionRule == nil { reads += weights(inRegionsOf: node) }
    for output in node.outputs { producers[output] = id }
    kernels.append(
      Kernel(
        id: id, name: node.name, origin: node.origin.names, steps: busy, anchor: Self.anchor(busy), reads: reads,
        writes: node.outputs.compactMap(tensor), dependencies: dependencies.sorted(), rule: node.operation.fusionRule ?? ""))
  }

  /// Aliases the parts a slice or a split cuts out of a tensor that is made at run time; false when a kernel has to.
  private mutating func takesParts(_ node: Node, _ computation: Computation) -> Bool {
    guard case .movement(let movement) = computation, movement.kind == .slice, !movement.isStrided, let input = node.inputs.first ?? nil,
      !graph.isConstant(input), graph[input].type.tensor != nil
    else { return false }
    let counts = node.outputs.map { graph[$0].type.tensor?.elementCount }
    guard counts.allSatisfy({ $0 != nil }), !node.outputs.contains(where: graph.outputs.contains) else { return false }
    for (output, count) in zip(node.outputs, counts) {
      aliases[output] = resolve(input)
      parts[output] = count
    }
    folded += node.origin.names.map { FoldedNode(name: $0, reason: "a part of its input: read where it lies") }
    return true
  }

  /// One more part of a tensor the kernel reads already.
  private func touch(_ input: ValueID, of value: ValueID, in reads: inout [Kernel.Tensor]) {
    guard let part = parts[input], let index = reads.firstIndex(where: { $0.id == value.index }), reads[index].operand.count > 0 else {
      return
    }
    let more = Int(Double(reads[index].operand.bytes) * min(1, Double(part) / Double(reads[index].operand.count)))
    reads[index].touchedBytes = min(reads[index].operand.bytes, reads[index].touchedBytes + more)
  }

  /// Weights of experts nobody chose are not read.
  private func touchExperts(of step: Kernel.Step, in reads: inout [Kernel.Tensor]) {
    guard case .contraction(let product) = step.computation, let experts = product.experts, step.inputs.count > 1,
      let index = reads.firstIndex(where: { $0.id == step.inputs[1] })
    else { return }
    reads[index].touchedBytes = reads[index].operand.bytes / max(1, experts) * product.touchedExperts
  }

  /// Elements read of the inputs that a gather is the only one to read.
  private func gatheredElements(of node: Node) -> [ValueID: Int] {
    let inside = node.operation.fusionRule == nil ? nil : node.regions.first
    guard let body = inside else {
      guard let table = node.inputs.first ?? nil, let count = graph.computation(of: node)?.elementsRead else { return [:] }
      return [table: count]
    }
    var result: [ValueID: Int] = [:]
    let users = body.usersByValue()
    for (outer, inner) in zip(node.inputs, body.inputs) {
      guard let outer, users[inner.index].count == 1, let reader = users[inner.index].first, body[reader].inputs.first == inner,
        let count = body.computation(of: body[reader])?.elementsRead
      else { continue }
      result[outer] = count
    }
    return result
  }

  /// What a branch or the body of a loop has of its own.
  private mutating func weights(inRegionsOf node: Node) -> [Kernel.Tensor] {
    var result: [Kernel.Tensor] = []
    for (name, constant) in graph.storedConstants(inRegionsOf: node) {
      guard let count = constant.type.elementCount else { continue }
      let operand = Operand(element: constant.type.element, encoding: constant.type.encoding, count: count, isConstant: true)
      var data: TensorData?
      if case .bytes(let bytes) = constant.payload { data = bytes }
      result.append(Kernel.Tensor(id: nextInner, name: "\(node.name)/\(name)", type: constant.type, operand: operand, data: data))
      nextInner += 1
    }
    return result
  }

  private func resolve(_ value: ValueID) -> ValueID { aliases[value] ?? value }

  private func tensor(_ id: ValueID) -> Kernel.Tensor? {
    guard let type = graph[id].type.tensor, let count = type.elementCount else { return nil }
    let operand = Operand(
      element: type.element, encoding: type.encoding, count: count, isConstant: graph[id].constant != nil)
    var data: TensorData?
    if case .bytes(let bytes)? = graph[id].constant?.payload { data = bytes }
    return Kernel.Tensor(id: id.index, name: graph[id].name, type: type, operand: operand, data: data)
  }

  private func steps(of node: Node) throws(OperatorError) -> [Kernel.Step] {
    guard node.operation.fusionRule != nil, let body = node.regions.first else {
      return [try step(node, in: graph) { resolve($0).index }]
    }
    // Types inside the body follow the outer values, whose encodings may have been assigned after fusion.
    var steps: [Kernel.Step] = []
    let constants = Set(zip(node.inputs, body.inputs).filter { graph.isConstant($0.0) }.map(\.1))
    let numbers = outerNumbers(of: node, body)
    // Values that never leave the body get numbers that no outer value has.
    let inner = graph.valueSlots.count
    for id in body.topologicalOrder() ?? [] {
      steps.append(try step(body[id], in: body, constants: constants) { numbers[$0] ?? inner + $0.index })
    }
    return steps
  }

  /// The numbers under which the kernel reads and writes the values at the border of its body.
  private func outerNumbers(of node: Node, _ body: Graph) -> [ValueID: Int] {
    var numbers: [ValueID: Int] = [:]
    for (outer, value) in zip(node.outputs, body.outputs) { numbers[value] = outer.index }
    for case (let outer?, let value) in zip(node.inputs, body.inputs) { numbers[value] = resolve(outer).index }
    return numbers
  }

  private func step(
    _ node: Node, in graph: Graph, constants: Set<ValueID> = [], number: (ValueID) -> Int
  ) throws(OperatorError) -> Kernel.Step {
    var operands = graph.operandTypes(of: node)
    for (index, input) in node.inputs.enumerated() where input.map(constants.contains) == true { operands.isConstant[index] = true }
    let computation = try node.operation.computation(operands)
    return Kernel.Step(
      computation: computation, label: computation.label(operator: type(of: node.operation).name),
      inputs: node.inputs.map { $0.map(number) ?? -1 }, outputs: node.outputs.map(number))
  }

  /// The step that gives a kernel its shape: a contraction or attention, else a loop, else a reduction, else the largest.
  private static func anchor(_ steps: [Kernel.Step]) -> Int {
    let rank = { (computation: Computation) -> Int in
      switch computation {
      case .contraction, .attention: 4
      case .loop: 3
      case .opaque: 2
      case .reduction: 1
      case .pointwise, .movement: 0
      }
    }
    var best = 0
    for index in steps.indices.dropFirst() {
      let (a, b) = (rank(steps[index].computation), rank(steps[best].computation))
      let sizes = (steps[index].computation.outputs.first?.count ?? 0, steps[best].computation.outputs.first?.count ?? 0)
      if a > b || (a == b && a == 0 && sizes.0 > sizes.1) { best = index }
    }
    return best
  }
}

extension Computation {
  /// One row of a picture: `conv 3×3/2 64→128`, `relu`, `softmax`.
  fileprivate func label(operator name: String) -> String {
    switch self {
    case .contraction(let c):
      guard let geometry = c.convolution else {
        return c.batch > 1 ? "matmul \(c.batch)×[\(c.m)×\(c.k)·\(c.n)]" : "matmul \(c.m)×\(c.k)·\(c.n)"
      }
      let kernel = geometry.kernel.map(String.init).joined(separator: "×")
      let stride = geometry.strides.allSatisfy { $0 == 1 } ? "" : "/" + geometry.strides.map(String.init).joined(separator: "×")
      let kind = geometry.isTransposed ? "deconv" : geometry.isDepthwise ? "dwconv" : "conv"
      return "\(kind) \(kernel)\(stride) \(geometry.inputChannels)→\(geometry.outputChannels)"
    case .attention(let a): return "attention \(a.heads)×\(a.headDimension) q\(a.queryLength) k\(a.keyLength)\(a.isCausal ? " causal" : "")"
    case .pointwise(let p): return p.function
    case .reduction(let r): return r.window == nil ? "\(r.kind.rawValue) \(r.rows)×\(r.columns)" : "\(r.kind.rawValue) pool"
    case .movement(let m): return m.kind.rawValue
    case .loop(let l): return "\(l.label) ×\(l.tripCount)"
    case .opaque(let o): return o.label.isEmpty ? name : o.label
    }
  }

  /// Elements of the first input that are read, when not all are.
  fileprivate var elementsRead: Int? {
    if case .movement(let movement) = self { movement.elementsRead } else { nil }
  }

  /// Family of operation of a kernel, for colours and tables: one of those that `KernelResult.kind` lists.
  package var kind: String {
    switch self {
    case .contraction(let c): c.convolution == nil ? "matmul" : "convolution"
    case .attention: "attention"
    case .pointwise: "pointwise"
    case .reduction: "reduction"
    case .movement: "movement"
    case .loop: "loop"
    case .opaque: "opaque"
    }
  }

  /// Work nobody has described.
  package var isOpaque: Bool { if case .opaque = self { true } else { false } }
}
