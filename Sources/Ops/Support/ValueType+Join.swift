package import IR

extension ValueType {
  /// The narrowest type both belong to: extents that differ become fresh symbols, ranks that differ no rank at all.
  package func joined(with other: ValueType, fresh: (String) -> Dimension) throws(OperatorError) -> ValueType {
    switch (self, other) {
    case (.tensor(let a), .tensor(let b)) where a.element == b.element:
      guard a.rank == b.rank else { return .unranked(a.element) }
      let shape = a.shape.indices.map { a.shape[$0] == b.shape[$0] ? a.shape[$0] : fresh("axis\($0)") }
      return .tensor(TensorType(a.element, shape))
    case (.sequence(let a), .sequence(let b)): return .sequence(try a.joined(with: b, fresh: fresh))
    case (.optional(let a), .optional(let b)): return .optional(try a.joined(with: b, fresh: fresh))
    // A value that is there on one path and may be there on the other: read as one that is there.
    case (.optional(let a), .sequence), (.optional(let a), .tensor), (.optional(let a), .unranked):
      return try a.joined(with: other, fresh: fresh)
    default:
      guard let a = elementType, let b = other.elementType, a == b else {
        throw OperatorError("types-join", "a value cannot be both \(self) and \(other)")
      }
      return .unranked(a)
    }
  }
}

extension [Datum?] {
  /// The elements of a sequence at a required position.
  package func sequence(_ index: Int) throws(OperatorError) -> [Datum] {
    guard index < count, case .sequence(let elements)? = self[index] else {
      throw OperatorError("sequence-expected", "input \(index) must be a sequence")
    }
    return elements
  }
}

extension InferenceContext {
  /// The element type of a required sequence input.
  package func sequence(_ index: Int) throws(OperatorError) -> ValueType {
    guard index < inputs.count, case .sequence(let element)? = inputs[index] else {
      throw OperatorError("sequence-expected", "input \(index) must be a sequence")
    }
    return element
  }

  /// Types of the results of a region that must exist.
  package func results(ofRegion index: Int) throws(OperatorError) -> [ValueType] {
    guard regionOutputs.indices.contains(index) else {
      throw OperatorError("region-expected", "region \(index) is missing")
    }
    return regionOutputs[index]
  }
}

extension EvaluationContext {
  /// Runs a region that must exist.
  package func run(_ region: Int, _ inputs: [Datum?]) throws(OperatorError) -> [Datum] {
    guard let runRegion else {
      throw OperatorError("region-expected", "control flow needs its regions to be evaluated")
    }
    return try runRegion(region, inputs)
  }
}

/// Tensors of one shape behind each other along a new axis.
package func stacked(_ tensors: [Tensor], axis: Int) throws(OperatorError) -> Tensor {
  guard let first = tensors.first else { return Tensor([0], floats: []) }
  guard tensors.allSatisfy({ $0.shape == first.shape }) else {
    throw OperatorError("extents-match", "tensors of different shapes cannot be stacked")
  }
  let axis = try resolveAxis(axis, rank: first.rank + 1)
  var shape = first.shape
  shape.insert(tensors.count, at: axis)
  let block = first.shape[axis...].reduce(1, *)
  let elements = try Interleave.concatenate(
    tensors.map(\.elements), outer: first.shape[..<axis].reduce(1, *), widths: tensors.map { _ in block })
  return Tensor(first.element, shape, elements)
}
