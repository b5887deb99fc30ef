package import IR

/// Slices of x along one axis picked by indices, such as rows of an embedding table.
///
/// y[…, i…, …] = x[…, indices[i…], …]; negative indices count from the end.
package struct Gather: ONNXOperator {
  package static let name = "gather"

  package var axis: Int

  package init(axis: Int = 0) { self.axis = axis }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if case .unranked? = context.type(0) { return [.unranked(try context.element(0))] }
    let x = try context.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    guard case .tensor(let indices)? = context.type(1) else { return [.unranked(x.element)] }
    var type = TensorType(x.element, x.shape[..<axis] + indices.shape + x.shape[(axis + 1)...])
    // Numbers of a short table are what stored weights are looked up in.
    if x.rank == 1, x.element.bits <= 8, context.constant(0) != nil { type.encoding.palette = x.elementCount }
    return [.tensor(type)]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard context.type(0)?.tensor?.rank == 1, let known = context.known(0), let indices = context.knownIntegers(1)
    else { return [] }
    var result: ShapeContents = []
    for index in indices {
      let position = index < 0 ? index + known.count : index
      guard known.indices.contains(position) else { return [] }
      result.append(known[position])
    }
    return [result]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let y = try operands.output()
    return .movement(
      Movement(
        kind: .gather, inputs: [try operands.input(0), try operands.input(1)], outputs: [y], elementsRead: y.count))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let x = operands.shape(.input(0)), let indices = operands.shape(.input(1)), let axis = try? resolveAxis(axis, rank: x.count)
    else {
      return []
    }
    let data = x.indices.filter { $0 != axis }.map { other in
      AxisTie(count: x[other], [AxisMap(.input(0), other), AxisMap(.output(0), other < axis ? other : other + indices.count - 1)])
    }
    return data + indices.indices.map { AxisTie(count: indices[$0], [AxisMap(.input(1), $0), AxisMap(.output(0), axis + $0)]) }
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, indices) = (try inputs.tensor(0), try inputs.tensor(1))
    let axis = try resolveAxis(axis, rank: x.rank)
    let positions = try resolved(indices, extent: x.shape[axis])
    let shape = x.shape[..<axis] + indices.shape + x.shape[(axis + 1)...]
    _ = try Array(shape).evaluableCount()
    let rule = BlockSelection(
      outer: x.shape[..<axis].reduce(1, *), extent: x.shape[axis], positions: positions,
      block: x.shape[(axis + 1)...].reduce(1, *))
    return [.tensor(x.rearranged(Array(shape), rule))]
  }

  package static var onnxNames: [ONNXName] { ["Gather"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Gather {
    Gather(axis: try node.integer("axis") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Gather", [("axis", .integer(axis))]) }
}

/// Indices counted from the front, checked against the extent they point into.
package func resolved(_ indices: Tensor, extent: Int) throws(OperatorError) -> [Int] {
  var result: [Int] = []
  result.reserveCapacity(indices.count)
  for index in try indices.integers() {
    let position = index < 0 ? Int(index) + extent : Int(index)
    guard position >= 0, position < extent else {
      throw OperatorError("index-range", "index \(index) points outside an axis of \(extent)")
    }
    result.append(position)
  }
  return result
}

/// For each of `outer` rows, whole blocks at the given positions of an axis.
package struct BlockSelection: Rearrangement {
  package var outer: Int
  package var extent: Int
  package var positions: [Int]
  package var block: Int

  package init(outer: Int, extent: Int, positions: [Int], block: Int) {
    self.outer = outer
    self.extent = extent
    self.positions = positions
    self.block = block
  }

  package func rearrange<T>(_ values: [T]) -> [T] {
    var result: [T] = []
    result.reserveCapacity(outer * positions.count * block)
    for row in 0..<outer {
      for position in positions {
        let start = (row * extent + position) * block
        result.append(contentsOf: values[start..<start + block])
      }
    }
    return result
  }
}
