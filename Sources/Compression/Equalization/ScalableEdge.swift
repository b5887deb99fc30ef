package import IR
internal import Ops

/// A value whose channels can be scaled without changing the model: its producer is divided by s, its readers multiply by s.
package struct ScalableEdge: Sendable {
  /// Constants of one element per channel along an axis.
  package struct Part: Sendable, Hashable {
    package var constant: ValueID
    package var axis: Int
  }

  package let value: ValueID
  package let channels: Int
  /// What is divided; the weight of the producing layer first, where it is one.
  package let sources: [Part]
  /// True when the producer is a layer with weights rather than a normalisation.
  package let comesFromLayer: Bool
  /// True when the producer bends its input, so that dividing takes a product of its own behind it.
  package let needsProduct: Bool
  /// Layers that read the value, with the channel axis of their weights; depthwise ones have weights of their own per channel.
  package let readers: [(node: NodeID, weight: Part, isDepthwise: Bool)]

  /// Every such value of a graph, in execution order of its producers.
  ///
  /// - Parameter products: take results of a hard-swish as well, behind which a product is put.
  package static func all(in graph: Graph, products: Products = .none) -> [ScalableEdge] {
    let users = graph.usersByValue()
    var found: [ScalableEdge] = []
    var taken: Set<ValueID> = []
    for id in graph.topologicalOrder() ?? [] {
      guard let value = graph[id].outputs.first, graph[id].outputs.count == 1 || graph[id].operation is LayerNormalization,
        !graph.outputs.contains(value), let edge = ScalableEdge(graph, value, users, products)
      else { continue }
      // One weight is scaled along one axis by one edge at a time, so an edge may share weights with others, never a constant twice.
      guard taken.isDisjoint(with: edge.sources.dropFirst(edge.comesFromLayer ? 1 : 0).map(\.constant)) else { continue }
      taken.formUnion(edge.sources.dropFirst(edge.comesFromLayer ? 1 : 0).map(\.constant))
      found.append(edge)
    }
    return found
  }

  /// Whether products may be put into a graph.
  package enum Products: Sendable { case none, behindBentFunctions }

  private init?(_ graph: Graph, _ value: ValueID, _ users: [[NodeID]], _ products: Products) {
    let readers = users[value.index].compactMap { ScalableEdge.reader($0, of: value, graph, users) }
    guard !readers.isEmpty, readers.count == users[value.index].count, let first = readers.first,
      let channels = graph.tensorType(first.weight.constant)?.constantShape?[first.weight.axis],
      readers.allSatisfy({ graph.tensorType($0.weight.constant)?.constantShape?[$0.weight.axis] == channels }),
      let producer = Producer(graph, value, users, channels: channels, products)
    else { return nil }
    self.value = value
    self.channels = channels
    self.readers = readers
    sources = producer.parts
    comesFromLayer = producer.isLayer
    needsProduct = producer.needsProduct
  }

  private static func reader(
    _ id: NodeID, of value: ValueID, _ graph: Graph, _ users: [[NodeID]]
  ) -> (node: NodeID, weight: Part, isDepthwise: Bool)? {
    let node = graph[id]
    guard let operation = node.operation as? any WeightedOperator, node.inputs.count >= 2, node.inputs[0] == value,
      let weight = node.inputs[1],
      graph[weight].constant != nil, users[weight.index].count == 1, let shape = graph.tensorType(weight)?.constantShape, shape.count >= 2
    else { return nil }
    let layout = operation.weightLayout(rank: shape.count)
    guard let axis = layout.reductionAxes.first, layout.channelAxisOfInput != 0 else { return nil }
    if layout.groups == 1 { return (id, Part(constant: weight, axis: axis), false) }
    // One filter per channel: the channel is the filter.
    guard shape[layout.outputAxis] == layout.groups, shape[axis] == 1 else { return nil }
    return (id, Part(constant: weight, axis: layout.outputAxis), true)
  }

  /// The graph with channels of the value divided by `factors`.
  package func scale(_ graph: Graph, by factors: [Float]) throws(OperatorError) -> Graph {
    let scaled = graph.replacing(scaled(factors, graph))
    guard needsProduct, let rank = graph.tensorType(value)?.rank, let name = graph[value].name.isEmpty ? nil : graph[value].name,
      let axis = graph.tensorType(readers[0].weight.constant).map({ $0.rank == 2 ? rank - 1 : 1 }), axis < rank
    else { return scaled }
    var rewriter = Rewriter(scaled)
    let shape = (0..<rank).map { $0 == axis ? channels : 1 }
    let factor = rewriter.addConstant(Constant(Tensor(shape, floats: factors.map { 1 / $0 })), name: "\(name)_factors")
    let product = try rewriter.addNode(BinaryElementwise(.mul), [value, factor], name: "\(name)_balanced", origin: Origin())
    for reader in readers { rewriter.setInput(0, of: reader.node, to: rewriter.graph[product].outputs[0]) }
    return rewriter.finish()
  }

  /// New constants when channels of the value are divided by `factors`.
  package func scaled(_ factors: [Float], _ graph: Graph) -> [ValueID: Constant] {
    var result: [ValueID: Constant] = [:]
    for part in sources { result[part.constant] = part.scaled(graph, factors.map { 1 / $0 }) }
    for reader in readers { result[reader.weight.constant] = reader.weight.scaled(graph, factors) }
    return result
  }
}

extension ScalableEdge.Part {
  /// Largest magnitude per channel.
  package func magnitudes(_ graph: Graph) -> [Float] {
    guard let tensor = graph.constant(constant).flatMap({ Tensor($0) }), case .float32(let values) = tensor.elements else { return [] }
    var result = [Float](repeating: 0, count: tensor.shape.isEmpty ? 1 : tensor.shape[axis])
    let inner = tensor.shape[(axis + 1)...].reduce(1, *)
    for (index, value) in values.enumerated() {
      let channel = index / inner % result.count
      result[channel] = max(result[channel], value.magnitude)
    }
    return result
  }

  func scaled(_ graph: Graph, _ factors: [Float]) -> Constant? {
    guard let old = graph.constant(constant), let tensor = Tensor(old), case .float32(var values) = tensor.elements else { return nil }
    let inner = tensor.shape[(axis + 1)...].reduce(1, *)
    for index in values.indices { values[index] *= factors[index / inner % factors.count] }
    var result = Constant(Tensor(tensor.shape, floats: values))
    result.type = old.type
    return result
  }
}

/// Walks from a value to what sets the size of its channels.
private struct Producer {
  private(set) var parts: [ScalableEdge.Part] = []
  private(set) var isLayer = false
  private(set) var needsProduct = false

  /// Nil when something on the way does not commute with a scaling, or is read by others.
  init?(_ graph: Graph, _ start: ValueID, _ users: [[NodeID]], channels: Int, _ products: ScalableEdge.Products) {
    var value = start
    if products == .behindBentFunctions, graph.producer(start, as: UnaryElementwise.self)?.1.takesFactor == true {
      needsProduct = true
      return
    }
    var added: [ScalableEdge.Part] = []
    func vector(_ input: ValueID?) -> ScalableEdge.Part? {
      guard let input, graph[input].constant != nil, users[input.index].count == 1, let shape = graph.tensorType(input)?.constantShape,
        shape.reduce(1, *) == channels, let axis = shape.lastIndex(of: channels)
      else { return nil }
      return ScalableEdge.Part(constant: input, axis: axis)
    }
    while let id = graph[value].producer, value == start || users[value.index].count == 1, !graph.outputs.contains(value) {
      let node = graph[id]
      switch node.operation {
      case let unary as UnaryElementwise where unary.function == .relu:
        guard let input = node.inputs[0] else { return nil }
        value = input
      case let binary as BinaryElementwise where binary.function == .add || binary.function == .mul:
        guard let side = node.inputs.firstIndex(where: { vector($0) != nil }), let part = vector(node.inputs[side]),
          let other = node.inputs[1 - side]
        else { return nil }
        added.append(part)
        guard binary.function == .add else {
          parts = added
          return
        }
        value = other
      case is LayerNormalization, is RootMeanSquareNormalization:
        guard value == node.outputs[0], let scale = vector(node.inputs.count > 1 ? node.inputs[1] : nil) else { return nil }
        added.append(scale)
        if node.inputs.count > 2, let bias = node.inputs[2] {
          guard let part = vector(bias) else { return nil }
          added.append(part)
        }
        parts = added
        return
      case let operation as any WeightedOperator:
        guard node.inputs.count >= 2, let weight = node.inputs[1], graph[weight].constant != nil, users[weight.index].count == 1,
          let shape = graph.tensorType(weight)?.constantShape, shape.count >= 2
        else { return nil }
        let layout = operation.weightLayout(rank: shape.count)
        guard shape[layout.outputAxis] == channels else { return nil }
        if let slot = layout.biasInput, slot < node.inputs.count, let bias = node.inputs[slot] {
          guard let part = vector(bias) else { return nil }
          added.append(part)
        }
        parts = [ScalableEdge.Part(constant: weight, axis: layout.outputAxis)] + added
        isLayer = true
        return
      default: return nil
      }
    }
    return nil
  }
}
