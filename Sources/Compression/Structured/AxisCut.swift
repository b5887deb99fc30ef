package import Basic
package import IR
internal import Ops

/// Positions to take out of a graph, axis by axis, and the removal itself.
package struct AxisCut: Sendable {
  /// Removed positions by axis.
  package private(set) var removed: [ValueAxis: Set<Int>] = [:]

  package init(_ units: [DependencyGraph.Unit]) {
    for unit in units {
      for (axis, positions) in unit.positions { removed[axis, default: []].formUnion(positions) }
    }
  }

  /// Positions of an axis of `extent` that stay, ascending.
  package func kept(_ axis: ValueAxis, extent: Int) -> [Int] {
    guard let gone = removed[axis] else { return Array(0..<extent) }
    return (0..<extent).filter { !gone.contains($0) }
  }

  /// A tensor without the removed positions of a value's axes.
  package func applied(to tensor: Tensor, of value: ValueID) -> Tensor {
    var result = tensor
    for axis in tensor.shape.indices where removed[ValueAxis(value, axis)] != nil {
      result = result.selecting(kept(ValueAxis(value, axis), extent: tensor.shape[axis]), axis: axis)
    }
    return result
  }

  /// The graph with weights, types and attributes cut; node and value IDs stay.
  package func applied(to graph: Graph) throws(Failure) -> Graph {
    var rewriter = Rewriter(graph)
    let values = Set(removed.keys.map(\.value)).sorted()
    for value in values {
      guard var type = graph.tensorType(value) else { continue }
      for axis in type.shape.indices {
        guard let gone = removed[ValueAxis(value, axis)], let extent = type.shape[axis].constant else { continue }
        type.shape[axis] = .constant(extent - gone.count)
      }
      if let constant = graph[value].constant {
        guard let tensor = Tensor(constant) else {
          throw Failure("the values of '\(graph[value].name)' are not at hand", fix: "compress a model file that holds its weights")
        }
        var cut = Constant(applied(to: tensor, of: value))
        cut.type.encoding = type.encoding
        rewriter.setConstant(cut, of: value)
      } else {
        rewriter.setType(.tensor(type), of: value)
      }
    }
    for id in graph.nodeIDs { try resize(id, from: graph, &rewriter) }
    return rewriter.finish()
  }

  /// Attributes and shape inputs of a node whose operands changed.
  private func resize(_ id: NodeID, from graph: Graph, _ rewriter: inout Rewriter) throws(Failure) {
    let node = graph[id]
    let touched = node.inputs.compactMap(\.self) + node.outputs
    guard touched.contains(where: { value in removed.keys.contains { $0.value == value } }) else { return }
    let old = graph.operandTypes(of: node).bindingSymbols(to: 1)
    let new = rewriter.graph.operandTypes(of: node).bindingSymbols(to: 1)
    let change = node.operation.resized(from: old, to: new)
    rewriter.setOperation(change.operation, of: id)
    for (index, contents) in change.contents.sorted(by: { $0.key < $1.key }) where index < node.inputs.count {
      guard let value = node.inputs[index], graph[value].constant != nil else {
        throw Failure(
          "node '\(node.name)' computes its shape, which cannot follow a cut", fix: "bind the dimensions or ignore the layers before it")
      }
      guard old.contents.indices.contains(index), old.contents[index]?.compactMap(\.constant) != contents else { continue }
      rewriter.setInput(
        index, of: id, to: rewriter.addConstant(Constant(integers: contents.map(Int64.init)), name: "\(graph[value].name).cut.\(node.name)")
      )
    }
  }
}

extension Tensor {
  /// The given positions along one axis.
  package func selecting(_ positions: [Int], axis: Int) -> Tensor {
    var result = shape
    result[axis] = positions.count
    let rule = BlockSelection(
      outer: shape[..<axis].reduce(1, *), extent: shape[axis], positions: positions, block: shape[(axis + 1)...].reduce(1, *))
    return rearranged(result, rule)
  }
}
