internal import IR
internal import Ops

/// Inputs of a graph that hold stored numbers (caches), and how real numbers become them.
struct StoredInputs {
  private let graph: Graph
  /// The node that reads a stored input back, perhaps behind what was appended to it.
  private var readers: [ValueID: Node] = [:]
  /// Stored inputs by the inputs that hold their scales.
  private var scaled: [ValueID: ValueID] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    let inputs = Set(graph.inputs.filter { graph.tensorType($0)?.element != .float32 })
    guard !inputs.isEmpty else { return }
    for id in graph.nodeIDs where graph[id].operation is Dequantize {
      guard let stored = source(graph[id].inputs[0]), inputs.contains(stored), readers[stored] == nil else { continue }
      readers[stored] = graph[id]
      if let scale = source(graph[id].inputs[1]), graph.inputs.contains(scale) { scaled[scale] = stored }
    }
  }

  /// The past that entries were appended to.
  private func source(_ value: ValueID?) -> ValueID? {
    var value = value
    while let (node, _) = graph.producer(value, as: Concatenate.self) { value = graph[node].inputs[0] }
    return value
  }

  /// The stored input whose scales this input holds.
  func cache(scaledBy scale: ValueID) -> ValueID? { scaled[scale] }

  /// Scales that real numbers of a cache are stored with, where they come with the cache.
  func scales(of tensor: Tensor, for input: ValueID) throws(OperatorError) -> Tensor {
    guard let operation = readers[input]?.operation as? Dequantize, let storage = graph.tensorType(input)?.element else { return tensor }
    return try TokenScale(axis: operation.axis, storage: storage).scales(of: tensor)
  }

  /// Real numbers as the graph stores them; nil for an input that nothing reads back.
  func stored(_ tensor: Tensor, for input: ValueID) throws(OperatorError) -> Tensor? {
    guard let node = readers[input], let operation = node.operation as? Dequantize, let storage = graph.tensorType(input)?.element,
      let scale = try scale(node.inputs[1], for: input, tensor)
    else { return nil }
    let zero = node.inputs.count > 2 ? graph.constant(node.inputs[2]).flatMap { Tensor($0) } : nil
    return try Quantize(axis: operation.axis, blockSize: operation.blockSize, storage: zero == nil ? storage : nil)
      .evaluate([.tensor(tensor), .tensor(scale), zero.map { .tensor($0) }], EvaluationContext()).first?.tensor
  }

  private func scale(_ value: ValueID?, for input: ValueID, _ tensor: Tensor) throws(OperatorError) -> Tensor? {
    if let constant = graph.constant(value) { return Tensor(constant) }
    if let once = graph.repeatedConstant(value), let first = tensor.shape.first {
      // One for all images.
      let shape = Tensor([once.rank], integers: [Int64(first)] + once.shape.dropFirst().map(Int64.init))
      return try Expand().evaluate([.tensor(once), .tensor(shape)], EvaluationContext()).first?.tensor
    }
    return scaled.values.contains(input) ? try scales(of: tensor, for: input) : nil
  }
}

extension Graph {
  /// The constant that an `expand` repeats.
  func repeatedConstant(_ value: ValueID?) -> Tensor? {
    guard let (node, _) = producer(value, as: Expand.self) else { return nil }
    return constant(self[node].inputs[0]).flatMap { Tensor($0) }
  }
}
