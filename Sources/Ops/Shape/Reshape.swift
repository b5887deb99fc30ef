package import IR

/// The same elements in another shape.
///
/// Inputs: x, extents. An extent of −1 takes what is left; 0 copies x's extent at that axis, unless `allowsZero`.
package struct Reshape: ONNXOperator {
  package static let name = "reshape"

  /// An extent of 0 means an empty axis.
  package var allowsZero: Bool

  package init(allowsZero: Bool = false) { self.allowsZero = allowsZero }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard let wanted = context.known(1) else {
      let element = try context.element(0)
      guard let extents = try context.extents(1) else { return [.unranked(element)] }
      return [.tensor(TensorType(element, extents))]
    }
    if case .unranked(let element)? = context.type(0) {
      return [
        .tensor(
          TensorType(
            element,
            wanted.enumerated().map { $1 == -1 || ($1 == 0 && !allowsZero) ? context.freshDimension("axis\($0)") : $1 })
        )
      ]
    }
    let x = try context.tensor(0)
    return [.tensor(TensorType(x.element, try resolve(wanted, x.shape)))]
  }

  private func resolve(_ wanted: [Dimension], _ shape: [Dimension]) throws(OperatorError) -> [Dimension] {
    var result = wanted
    var open: Int?
    for (axis, extent) in wanted.enumerated() {
      if extent == 0, !allowsZero {
        guard axis < shape.count else {
          throw OperatorError("reshape-copies", "axis \(axis) copies an extent that \(shape.text) lacks")
        }
        result[axis] = shape[axis]
      } else if extent == -1 {
        guard open == nil else {
          throw OperatorError("reshape-one-open", "more than one extent of \(wanted.text) is −1")
        }
        open = axis
      } else if let number = extent.constant, number < 0 {
        throw OperatorError("reshape-extents", "the extents \(wanted.text) are not a shape")
      }
    }
    let total = shape.reduce(1, *)
    if let open {
      var rest = Dimension.constant(1)
      for (axis, extent) in result.enumerated() where axis != open { rest = rest * extent }
      result[open] = total.floorDivided(by: rest)
      if let known = total.constant, let by = rest.constant, by == 0 ? known != 0 : known % by != 0 {
        throw OperatorError("elements-match", "\(shape.text) has \(known) elements and cannot become \(wanted.text)")
      }
    } else if let known = total.constant, let asked = result.reduce(1, *).constant, known != asked {
      throw OperatorError("elements-match", "\(shape.text) has \(known) elements but \(wanted.text) asks for \(asked)")
    }
    guard result.compactMap(\.constant).checkedProduct != nil else {
      throw OperatorError("reshape-extents", "the extents \(wanted.text) are not a shape")
    }
    return result
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [context.known(0)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .view, inputs: [try operands.input(0)], outputs: try operands.allOutputs()))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.viewTies() }

  /// Extents that were numbers follow the result; −1 and 0 stay.
  package func resized(from old: OperandTypes, to new: OperandTypes) -> (operation: any Operator, contents: [Int: [Int]]) {
    guard old.contents.count > 1, let wanted = old.contents[1]?.map(\.constant), let before = old.shape(.output(0)),
      let after = new.shape(.output(0)), wanted.count == before.count, after.count == before.count
    else { return (self, [:]) }
    let extents = wanted.indices.map { before[$0] == after[$0] || (wanted[$0] ?? 1) <= 0 ? wanted[$0] ?? before[$0] : after[$0] }
    return (self, [1: extents])
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let wanted = try inputs.integers(1).map(Dimension.constant)
    return [.tensor(x.reshaped(try resolve(wanted, x.shape.map(Dimension.constant)).compactMap(\.constant)))]
  }

  package static var onnxNames: [ONNXName] { ["Reshape"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Reshape {
    node.ignore("consumed_inputs")
    // Before opset 5 the shape was an attribute.
    if let shape = try node.integers("shape") { node.setInput(1, integers: shape) }
    return Reshape(allowsZero: try node.integer("allowzero") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("Reshape", allowsZero ? [("allowzero", .integer(1))] : [])
  }
}
