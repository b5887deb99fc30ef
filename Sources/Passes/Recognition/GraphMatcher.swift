internal import Basic
internal import IR
internal import Ops

/// Questions recognisers ask about the neighbourhood of a value. Reads only; cheap to make.
struct GraphMatcher {
  let graph: Graph
  let readers: Readers

  /// Who reads each value.
  struct Readers {
    private let users: [[NodeID]]
    private let outputs: Set<ValueID>

    init(_ graph: Graph) {
      users = graph.usersByValue()
      outputs = Set(graph.outputs)
    }

    /// The only reader, when the value is no output of the graph.
    func sole(_ value: ValueID) -> NodeID? {
      users[value.index].count == 1 && !outputs.contains(value) ? users[value.index][0] : nil
    }
  }

  init(_ graph: Graph) {
    self.graph = graph
    readers = Readers(graph)
  }

  /// The operator that makes a value, when it is of the wanted kind and its first output.
  func made<Op: Operator>(_ value: ValueID?, by kind: Op.Type) -> (id: NodeID, op: Op, node: Node)? {
    guard let value, let (id, op) = graph.producer(value, as: kind), graph[id].outputs.first == value else { return nil }
    return (id, op, graph[id])
  }

  /// The two inputs of a binary function.
  func binary(_ value: ValueID?, _ function: BinaryElementwise.Function) -> (id: NodeID, a: ValueID, b: ValueID)? {
    guard let (id, op, node) = made(value, by: BinaryElementwise.self), op.function == function, node.inputs.count == 2,
      let a = node.inputs[0], let b = node.inputs[1]
    else { return nil }
    return (id, a, b)
  }

  func unary(_ value: ValueID?, _ function: UnaryElementwise.Function) -> (id: NodeID, x: ValueID)? {
    guard let (id, op, node) = made(value, by: UnaryElementwise.self), op.function == function, let x = node.inputs.first ?? nil else {
      return nil
    }
    return (id, x)
  }

  /// The number a constant holds in every element; only small constants are opened.
  func scalar(_ value: ValueID?) -> Double? {
    guard let constant = graph.constant(value), let count = constant.type.elementCount, count >= 1, count <= 16,
      let numbers = Tensor(constant).flatMap({ try? $0.doubles() }), let first = numbers.first,
      numbers.allSatisfy({ $0 == first })
    else { return nil }
    return first
  }

  /// A commutative function of something and a constant number.
  func withScalar(_ value: ValueID?, _ function: BinaryElementwise.Function) -> (id: NodeID, x: ValueID, number: Double)? {
    guard let (id, a, b) = binary(value, function) else { return nil }
    if let number = scalar(b) { return (id, a, number) }
    if function.isCommutative, let number = scalar(a) { return (id, b, number) }
    return nil
  }

  /// Multiplication or division by a number, as a factor.
  func scaled(_ value: ValueID?) -> (id: NodeID, x: ValueID, factor: Double)? {
    if let (id, x, number) = withScalar(value, .mul) { return (id, x, number) }
    if let (id, x, number) = withScalar(value, .div), number != 0 { return (id, x, 1 / number) }
    return nil
  }

  /// Both orders of a commutative pair.
  func eitherOrder(_ pair: (id: NodeID, a: ValueID, b: ValueID)) -> [(a: ValueID, b: ValueID)] { [(pair.a, pair.b), (pair.b, pair.a)] }

  func near(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-3 * max(abs(a), abs(b)) }

  /// Axes a reduction runs over, as non-negative numbers.
  func axes(of node: Node) -> [Int]? {
    guard let rank = graph.tensorType(node.inputs.first ?? nil)?.rank else { return nil }
    guard node.inputs.count > 1, let axes = node.inputs[1] else { return Array(0..<rank) }
    return graph.constant(axes)?.shapeContents?.compactMap(\.constant).map { $0 < 0 ? $0 + rank : $0 }.sorted()
  }
}

/// A subgraph that one operator can stand for.
struct Recognition {
  /// The operator and its inputs.
  var operation: any Operator
  var inputs: [ValueID?]
  /// The value it makes.
  var result: ValueID
  /// Nodes that become useless unless somebody else reads them.
  var covers: [NodeID]
  /// Inputs that need a transposition first: position in `inputs` and permutation.
  var transposes: [(input: Int, permutation: [Int])] = []
}

extension Rewriter {
  /// Puts the recognised operator in the place of the value; what nobody reads any more goes, its origin to the new node.
  ///
  /// Nodes that others still read stay, and keep their origin.
  ///
  /// Returns the value that stands for the result now.
  mutating func apply(_ recognition: Recognition, rule: String, _ context: PassContext) -> ValueID {
    let name = graph.producer(recognition.result).map { graph[$0].name } ?? rule
    let type = graph[recognition.result].type
    var inputs = recognition.inputs
    for (position, permutation) in recognition.transposes {
      guard let input = inputs[position], let tensor = graph.tensorType(input) else { continue }
      let transposed = ValueType.tensor(TensorType(tensor.element, permutation.map { tensor.shape[$0] }))
      let transpose = addNode(
        Transpose(permutation), [input], types: [transposed], name: "\(name).transpose\(position)", origin: Origin())
      inputs[position] = graph[transpose].outputs[0]
    }
    let node = addNode(
      recognition.operation, inputs, types: [type], name: name, origin: Origin(),
      outputNames: [graph[recognition.result].name])
    replaceUses(of: recognition.result, with: graph[node].outputs[0])
    let order = recognition.covers.sorted { $0 > $1 }
    var isProgressing = true
    var names: [String] = []
    while isProgressing {
      isProgressing = false
      for id in order where graph.contains(id) {
        var isDead = true
        for output in graph[id].outputs where !self.isDead(output) { isDead = false }
        guard isDead else { continue }
        names = graph[id].origin.names + names
        erase(id, reason: rule, heir: node)
        isProgressing = true
      }
    }
    context.count(rule)
    context.ledger.apply(rule, graph[node].origin.names)
    return graph[node].outputs[0]
  }
}

/// A recogniser as a pass: tries every node once, in execution order.
func recognizer(
  _ name: String, _ summary: String, relative: Double = 1e-5,
  wants: @escaping @Sendable (Capabilities) -> Bool = { _ in true },
  match: @escaping @Sendable (GraphMatcher, NodeID) -> Recognition?
) -> GraphPass {
  GraphPass(name, summary, preserves: .values(relative: relative)) { rewriter, context throws(Failure) in
    guard wants(context.capabilities) else { return }
    // Matching against the graph as it was keeps the walk linear; a match whose nodes are gone is skipped.
    let before = rewriter.graph
    let matcher = GraphMatcher(before)
    var renamed: [ValueID: ValueID] = [:]
    for id in before.topologicalOrder() ?? [] where rewriter.graph.contains(id) {
      guard var recognition = match(matcher, id), recognition.covers.allSatisfy({ before.contains($0) }) else { continue }
      recognition.inputs = recognition.inputs.map { $0.map { renamed[$0] ?? $0 } }
      var isCurrent = true
      for case let input? in recognition.inputs where !rewriter.graph.contains(input) { isCurrent = false }
      for covered in recognition.covers where !rewriter.graph.contains(covered) { isCurrent = false }
      if isCurrent, rewriter.graph.contains(recognition.result) {
        renamed[recognition.result] = rewriter.apply(recognition, rule: name, context)
      }
    }
  }
}
