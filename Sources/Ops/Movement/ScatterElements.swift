package import IR

/// x with updates written at element-wise indices along one axis, combined with what was there.
///
/// Inputs: x, indices, updates (of the indices' shape). For axis 0: y[indices[i, j], j] = updates[i, j].
package struct ScatterElements: ONNXOperator {
  package static let name = "scatter-elements"

  package var axis: Int
  package var reduction: ScatterReduction

  package init(axis: Int = 0, reduction: ScatterReduction = .none) {
    self.axis = axis
    self.reduction = reduction
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    _ = try resolveAxis(axis, rank: x.rank)
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(.scatter)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, indices, updates) = (try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(2))
    return [.tensor(try reduction.apply(x, updates, at: try elementOffsets(of: x.shape, indices, axis: axis)))]
  }

  package static var onnxNames: [ONNXName] { ["ScatterElements", "Scatter"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ScatterElements {
    ScatterElements(axis: try node.integer("axis") ?? 0, reduction: try ScatterReduction.imported(&node))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("ScatterElements", [("axis", .integer(axis)), ("reduction", .string(reduction.rawValue))])
  }
}

/// How a scattered update meets the element that is there.
package enum ScatterReduction: String, Codable, Sendable, Hashable, CaseIterable {
  case none, add, mul, max, min

  static func imported(_ node: inout ONNXNode) throws(OperatorError) -> ScatterReduction {
    let name = try node.string("reduction") ?? "none"
    guard let reduction = ScatterReduction(rawValue: name) else {
      throw OperatorError("scatter-reduction", "unknown reduction '\(name)'")
    }
    return reduction
  }

  /// Update `i` meets element `targets[i]` of x; later updates win.
  func apply(_ x: Tensor, _ updates: Tensor, at targets: [Int]) throws(OperatorError) -> Tensor {
    guard updates.count == targets.count, updates.element == x.element else {
      throw OperatorError("updates-fit", "\(updates.count) updates for \(targets.count) places")
    }
    if self == .none { return Tensor(x.element, x.shape, try x.elements.merged(updates.elements, Overwrite(targets))) }
    if x.element.isInteger {
      var values = try x.integers()
      for (source, target) in zip(try updates.integers(), targets) {
        switch self {
        case .none: values[target] = source
        case .add: values[target] &+= source
        case .mul: values[target] = values[target] &* source
        case .max: values[target] = Swift.max(values[target], source)
        case .min: values[target] = Swift.min(values[target], source)
        }
      }
      return Tensor(x.element, x.shape, wrapping: values)
    }
    var values = try x.doubles()
    for (source, target) in zip(try updates.doubles(), targets) {
      switch self {
      case .none: values[target] = source
      case .add: values[target] += source
      case .mul: values[target] *= source
      case .max: values[target] = Swift.max(values[target], source)
      case .min: values[target] = Swift.min(values[target], source)
      }
    }
    return Tensor(x.element, x.shape, rounding: values)
  }
}
