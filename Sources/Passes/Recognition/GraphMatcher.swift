internal import Basic
internal import IR
internal import Ops

/// Questions recognisers ask about the neighbourhood of a value. Reads only; cheap to make.
struct GraphMatcher {
  let graph: Graph
  /// Who reads each value.
  let readers: Rewriter.Uses

  init(_ rewriter: borrowing Rewriter) {
    graph = rewriter.graph
    readers = rewriter.uses
  }

  /// The operator that makes a value, when it is of the wanted kind and its first output.
  func made<Op: Operator>(_ value: ValueID?, by kind: Op.Type) -> (id: NodeID, op: Op, node: Node)? {
    guard let value, let (id, found) = readers.maker(value), found.type == ObjectIdentifier(kind) else { return nil }
    let node = graph[id]
    guard let op = node.operation as? Op, node.outputs.first == value else { return nil }
    return (id, op, node)
  }

  /// The two inputs of a binary function.
  func binary(_ value: ValueID?, _ function: BinaryElementwise.Function) -> (id: NodeID, a: ValueID, b: ValueID)? {
    guard let value, let (id, found) = readers.maker(value), found == NodeKind(BinaryElementwise(function)) else { return nil }
    let inputs = graph[id].inputs
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else { return nil }
    return (id, a, b)
  }

  func unary(_ value: ValueID?, _ function: UnaryElementwise.Function) -> (id: NodeID, x: ValueID)? {
    guard let value, let (id, found) = readers.maker(value), found == NodeKind(UnaryElementwise(function)),
      let x = graph[id].inputs.first ?? nil
    else { return nil }
    return (id, x)
  }

  /// The number a constant holds in every element; only small constants are opened.
  func scalar(_ value: ValueID?) -> Double? { value.flatMap { readers.maker($0) == nil ? graph.scalar($0) : nil } }

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

  /// A tree of multiplications: the factors that are not numbers, the nodes, and the product of the numbers.
  func product(_ value: ValueID) -> (factors: [ValueID], nodes: [NodeID], constant: Double) {
    var (factors, nodes, constant): ([ValueID], [NodeID], Double) = ([], [], 1)
    var worklist = [value]
    while let next = worklist.popLast(), nodes.count < 4 {
      if let (id, x, factor) = scaled(next) {
        nodes.append(id)
        constant *= factor
        worklist.append(x)
      } else if let (id, a, b) = binary(next, .mul) {
        nodes.append(id)
        worklist += [a, b]
      } else {
        factors.append(next)
      }
    }
    return (factors + worklist, nodes, constant)
  }
}

extension Graph {
  /// The number a constant holds in every element, for constants of up to 1024 elements.
  func scalar(_ value: ValueID?) -> Double? {
    guard let constant = constant(value), constant.payload != .absent, let count = constant.type.elementCount, count >= 1,
      count <= 1024
    else { return nil }
    if count == 1, constant.type.element == .float32, case .bytes(let data) = constant.payload, data.byteCount == 4 {
      return data.withBytes { Double(Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)))) }
    }
    guard let numbers = Tensor(constant).flatMap({ try? $0.doubles() }), let first = numbers.first,
      numbers.allSatisfy({ $0 == first })
    else { return nil }
    return first
  }
}
