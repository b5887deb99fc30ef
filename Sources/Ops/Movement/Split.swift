package import IR

/// Consecutive parts of a tensor along one axis.
///
/// Inputs: x, optional extents of the parts. Without them the parts are ⌈extent / parts⌉ long, the last one shorter.
package struct Split: ONNXOperator {
  package static let name = "split"

  package var axis: Int
  /// Number of parts when no input lists their extents.
  package var parts: Int?

  package init(axis: Int = 0, parts: Int? = nil) {
    self.axis = axis
    self.parts = parts
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if case .unranked(let element)? = context.type(0) {
      return Array(repeating: .unranked(element), count: context.outputCount)
    }
    let x = try context.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    let extents = try extents(context, x.shape[axis])
    guard extents.count == context.outputCount else {
      throw OperatorError("parts-match", "\(extents.count) parts for \(context.outputCount) results")
    }
    return extents.map { extent in
      var shape = x.shape
      shape[axis] = extent
      return .tensor(TensorType(x.element, shape))
    }
  }

  private func extents(_ context: InferenceContext, _ extent: Dimension) throws(OperatorError) -> [Dimension] {
    let count = context.outputCount
    guard context.hasInput(1) else {
      guard count > 0 else { return [] }
      if let number = extent.constant {
        let chunk = number.ceilingQuotient(count)
        return (0..<count).map { .constant(min(chunk, max(number - $0 * chunk, 0))) }
      }
      let chunk = extent.floorDivided(by: .constant(count))
      if chunk * .constant(count) == extent { return Array(repeating: chunk, count: count) }
      let wide = extent.ceilingDivided(by: .constant(count))
      return (0..<count).map { $0 == count - 1 ? extent - wide * .constant(count - 1) : wide }
    }
    guard let known = context.known(1) else { return (0..<count).map { context.freshDimension("part\($0)") } }
    if let whole = extent.constant, let sum = known.reduce(0, +).constant,
      sum != whole || known.contains(where: { ($0.constant ?? 0) < 0 })
    {
      throw OperatorError("parts-match", "parts \(known.text) do not make up an extent of \(whole)")
    }
    return known
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard context.type(0)?.tensor?.rank == 1, let known = context.known(0),
      let extents = try? extents(context, .constant(known.count)).compactMap(\.constant),
      extents.reduce(0, +) == known.count
    else { return [] }
    var start = 0
    return extents.map { extent in
      defer { start += extent }
      return Array(known[start..<start + extent])
    }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .slice, inputs: [try operands.input(0)], outputs: try operands.allOutputs()))
  }

  /// Parts of given extents are free of each other; parts of one extent by definition keep it, so they lose positions together.
  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let x = operands.shape(.input(0)), let axis = try? resolveAxis(axis, rank: x.count) else { return [] }
    let outputs = operands.outputs.indices
    let others = x.indices.filter { $0 != axis }.map { other in
      AxisTie(count: x[other], [AxisMap(.input(0), other)] + outputs.map { AxisMap(.output($0), other) })
    }
    if operands.inputs.count > 1, operands.inputs[1] != nil {
      var offset = 0
      return others
        + outputs.compactMap { output in
          guard let extent = operands.shape(.output(output))?[axis] else { return nil }
          defer { offset += extent }
          return AxisTie(count: extent, [AxisMap(.input(0), axis, offset: offset), AxisMap(.output(output), axis)])
        }
    }
    guard !outputs.isEmpty, x[axis] % outputs.count == 0 else { return others }
    let parts = outputs.map { AxisMap(.output($0), axis) }
    return others + [AxisTie(count: x[axis] / outputs.count, [AxisMap(.input(0), axis, outer: outputs.count)] + parts)]
  }

  package func resized(from old: OperandTypes, to new: OperandTypes) -> (operation: any Operator, contents: [Int: [Int]]) {
    guard old.inputs.count > 1, old.inputs[1] != nil, let x = new.shape(.input(0)), let axis = try? resolveAxis(axis, rank: x.count) else {
      return (self, [:])
    }
    return (self, [1: new.outputs.indices.compactMap { new.shape(.output($0))?[axis] }])
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let axis = try resolveAxis(axis, rank: x.rank)
    let strides = x.shape.rowMajorStrides
    var start = 0
    return try shapes(inputs, outputCount: context.outputCount).map { shape in
      defer { start += shape[axis] }
      return .tensor(x.rearranged(shape, StridedView(shape: shape, strides: strides, offset: start * strides[axis])))
    }
  }

  package static var onnxNames: [ONNXName] { ["Split"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Split {
    node.ignore("num_outputs")
    if let parts = try node.integers("split") { node.setInput(1, integers: parts) }
    let axis = try node.integer("axis") ?? 0
    if node.inputs.count > 1, case .value = node.inputs[1] { return Split(axis: axis) }
    if node.inputs.count > 1, case .constant = node.inputs[1] { return Split(axis: axis) }
    return Split(axis: axis, parts: node.outputCount)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("Split", [("axis", .integer(axis))] + (parts.map { [("num_outputs", .integer($0))] } ?? []))
  }
}
