internal import Basic
internal import IR
internal import Ops

/// Gives gathers one spelling: gather-nd by one index each is a gather along axis 0, and a gather-nd that names every
/// element of a tensor in order is a view of it.
let spellGathers = GraphPass(
  "spell-gathers", "gather-nd by single indices becomes a gather; one that names every element in order becomes a view.",
  preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [GatherND.self]) {
    let node = rewriter.graph[id]
    guard let operation = node.operation as? GatherND, operation.batchAxes == 0, let table = node.inputs[0], let indices = node.inputs[1],
      let type = rewriter.graph.tensorType(indices), let depth = type.shape.last?.constant
    else { continue }
    if depth == 1 {
      let ids = rewriter.indexList(indices, type, name: node.name)
      _ = rewriter.replace(id, by: Gather(axis: 0), [table, ids])
    } else if let shape = rewriter.graph.tensorType(node.outputs[0])?.constantShape, namesEveryElement(rewriter.graph, table, indices) {
      let target = rewriter.addConstant(Constant(integers: shape.map(Int64.init)), name: "\(node.name).shape")
      _ = rewriter.replace(id, by: Reshape(), [table, target])
    } else {
      continue
    }
    context.count("gather")
  }
}

extension Rewriter {
  /// Indices without their last axis of extent 1.
  fileprivate mutating func indexList(_ indices: ValueID, _ type: TensorType, name: String) -> ValueID {
    if let (producer, _) = graph.producer(indices, as: Unsqueeze.self), let source = graph[producer].inputs[0],
      let inner = graph.tensorType(source), inner.shape == Array(type.shape.dropLast())
    {
      return source
    }
    let axes = addConstant(Constant(integers: [Int64(type.rank - 1)]), name: "\(name).axis")
    let squeezed = ValueType.tensor(TensorType(type.element, Array(type.shape.dropLast())))
    let node = addNode(Squeeze(), [indices, axes], types: [squeezed], name: "\(name).indices", origin: Origin())
    return graph[node].outputs[0]
  }
}

/// The index vectors are those of a row-major walk over the whole table.
private func namesEveryElement(_ graph: Graph, _ table: ValueID, _ indices: ValueID) -> Bool {
  guard let shape = graph.tensorType(table)?.constantShape, let constant = graph.constant(indices),
    constant.type.shape.last == .constant(shape.count), let count = shape.checkedProduct, count <= 1 << 20,
    constant.type.elementCount == count * shape.count, let numbers = Tensor(constant).flatMap({ try? $0.integers() })
  else { return false }
  var position = 0
  for element in 0..<count {
    var rest = element
    for axis in shape.indices.reversed() {
      guard numbers[position + axis] == Int64(rest % shape[axis]) else { return false }
      rest /= shape[axis]
    }
    position += shape.count
  }
  return true
}
