package import IR

/// Tensors laid one behind the other along one axis; all other extents agree.
package struct Concatenate: ONNXOperator {
  package static let name = "concat"

  package var axis: Int

  package init(axis: Int) { self.axis = axis }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    var shape: [Dimension]?
    for index in context.inputs.indices {
      guard try context.element(index) == element else {
        throw OperatorError("element-types-match", "tensors of different element types cannot be joined")
      }
      guard case .tensor(let next)? = context.type(index) else { return [.unranked(element)] }
      shape = try joined(shape, next.shape)
    }
    return [.tensor(TensorType(element, shape ?? []))]
  }

  private func joined(_ shape: [Dimension]?, _ next: [Dimension]) throws(OperatorError) -> [Dimension] {
    let axis = try resolveAxis(axis, rank: next.count)
    guard var result = shape else { return next }
    guard result.count == next.count else {
      throw OperatorError("ranks-match", "\(result.text) and \(next.text) cannot be joined")
    }
    for other in result.indices where other != axis {
      if result[other].constant == nil {
        result[other] = next[other]
      } else if let extent = next[other].constant, result[other].constant != extent {
        throw OperatorError("extents-match", "\(result.text) and \(next.text) differ outside axis \(axis)")
      }
    }
    result[axis] = result[axis] + next[axis]
    return result
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    var result: ShapeContents = []
    for index in context.inputs.indices {
      guard context.type(index)?.tensor?.rank == 1, let known = context.known(index), result.count + known.count <= 256
      else {
        return []
      }
      result += known
    }
    return [result]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(operands.inputs.count == 1 ? .view : .concatenate)
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let y = operands.shape(.output(0)), let axis = try? resolveAxis(axis, rank: y.count) else { return [] }
    let inputs = operands.inputs.indices
    var ties = y.indices.filter { $0 != axis }.map { other in
      AxisTie(count: y[other], inputs.map { AxisMap(.input($0), other) } + [AxisMap(.output(0), other)])
    }
    var offset = 0
    for input in inputs {
      guard let extent = operands.shape(.input(input))?[axis] else { return [] }
      ties.append(AxisTie(count: extent, [AxisMap(.input(input), axis), AxisMap(.output(0), axis, offset: offset)]))
      offset += extent
    }
    return ties
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let shape = try shapes(inputs)[0]
    let axis = try resolveAxis(axis, rank: shape.count)
    var tensors: [Tensor] = []
    for index in inputs.indices { tensors.append(try inputs.tensor(index)) }
    let outer = shape[..<axis].reduce(1, *)
    let widths = tensors.map { $0.shape[axis...].reduce(1, *) }
    let elements = try Interleave.concatenate(tensors.map(\.elements), outer: outer, widths: widths)
    return [.tensor(Tensor(tensors[0].element, shape, elements))]
  }

  package static var onnxNames: [ONNXName] { ["Concat"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Concatenate {
    // The axis had a default before opset 4.
    guard let axis = try node.integer("axis") ?? (node.opset < 4 ? 1 : nil) else {
      throw OperatorError("missing-attribute", "a concatenation needs the attribute 'axis'")
    }
    return Concatenate(axis: axis)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Concat", [("axis", .integer(axis))]) }
}
