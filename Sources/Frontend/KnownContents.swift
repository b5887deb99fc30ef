internal import IR
internal import Ops

/// What is known of the elements of small values while a graph is built: shape arithmetic, and small results computed outright.
struct KnownContents {
  /// Elements of small integer values as dimensions.
  private(set) var dimensions: [ValueID: ShapeContents] = [:]
  /// Small values that could be computed; shape arithmetic through floats needs them.
  private(set) var computed: [ValueID: Tensor] = [:]

  /// Elements of a value that is worth computing.
  private static let limit = 1024

  subscript(_ value: ValueID) -> ShapeContents? { dimensions[value] }

  /// Gives a value of one graph what is known of a value of another: captures of regions.
  mutating func copy(_ value: ValueID, to inner: ValueID, from outer: KnownContents) {
    dimensions[inner] = outer.dimensions[value]
    computed[inner] = outer.computed[value]
  }

  /// What inference of a node that is not yet in the graph may see.
  func context(
    in graph: Graph, inputs: [ValueID?], outputCount: Int, regions: [Graph] = [], nodeName: String
  ) -> InferenceContext {
    var context = graph.inferenceContext(
      inputs: inputs, outputCount: outputCount, regions: regions, nodeName: nodeName
    ) { dimensions[$0] }
    for (index, input) in inputs.enumerated() where context.constants[index] == nil {
      if let input, let tensor = computed[input] { context.constants[index] = Constant(tensor) }
    }
    return context
  }

  /// Contents of a node's small outputs: by the operator's shape algebra, else by computing them.
  mutating func learn(
    _ node: Node, _ context: InferenceContext, in graph: Graph, bound: (Dimension) -> Dimension = { $0 }
  ) {
    for (output, contents) in zip(node.outputs, node.operation.inferContents(context)) {
      if let contents { dimensions[output] = contents.map(bound) }
    }
    let isSmall = node.outputs.allSatisfy { graph.tensorType($0)?.elementCount.map { $0 <= Self.limit } ?? false }
    guard isSmall, !node.operation.isNondeterministic, context.regionOutputs.isEmpty else { return }
    var tensors: [Datum?] = []
    for input in node.inputs {
      guard let input else {
        tensors.append(nil)
        continue
      }
      guard let tensor = tensor(input, in: graph) else { return }
      tensors.append(.tensor(tensor))
    }
    guard let results = try? node.operation.evaluate(tensors, EvaluationContext(outputCount: node.outputs.count)) else { return }
    for (output, result) in zip(node.outputs, results) {
      guard let tensor = result.tensor else { continue }
      computed[output] = tensor
      if dimensions[output] == nil, tensor.element == .int64 || tensor.element == .int32, let numbers = try? tensor.integers() {
        dimensions[output] = numbers.map { .constant(Int($0)) }
      }
    }
  }

  /// The elements of a small value, when they are known numbers.
  func tensor(_ value: ValueID, in graph: Graph) -> Tensor? {
    if let tensor = computed[value] { return tensor }
    guard let type = graph[value].type.tensor, let shape = type.constantShape, let count = type.elementCount, count <= Self.limit
    else { return nil }
    if let constant = graph[value].constant { return Tensor(constant) }
    guard let numbers = dimensions[value]?.compactMap(\.constant), numbers.count == count else { return nil }
    return Tensor(type.element, shape, saturating: numbers.map(Int64.init))
  }

  /// Elements of a small integer value that are all plain numbers.
  func integers(_ value: ValueID, in graph: Graph) -> [Int]? {
    if let contents = dimensions[value] ?? graph[value].constant?.shapeContents {
      let numbers = contents.compactMap(\.constant)
      return numbers.count == contents.count ? numbers : nil
    }
    guard let tensor = tensor(value, in: graph), tensor.element.isInteger else { return nil }
    return (try? tensor.integers())?.map { Int($0) }
  }
}
