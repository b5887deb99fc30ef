package import IR

/// A way to make new elements out of old ones that is the same for every element type.
package protocol Rearrangement {
  func rearrange<T>(_ values: [T]) -> [T]
}

/// A way to merge two arrays of one element type.
package protocol Merge {
  func merge<T>(_ a: [T], _ b: [T]) -> [T]
}

extension Tensor.Elements {
  package func rearranged(_ rule: some Rearrangement) -> Tensor.Elements {
    switch self {
    case .float32(let values): .float32(rule.rearrange(values))
    case .float64(let values): .float64(rule.rearrange(values))
    case .int8(let values): .int8(rule.rearrange(values))
    case .uint8(let values): .uint8(rule.rearrange(values))
    case .int32(let values): .int32(rule.rearrange(values))
    case .int64(let values): .int64(rule.rearrange(values))
    case .bool(let values): .bool(rule.rearrange(values))
    case .string(let values): .string(rule.rearrange(values))
    }
  }

  /// Both operands must store the same kind of element.
  package func merged(_ other: Tensor.Elements, _ rule: some Merge) throws(OperatorError) -> Tensor.Elements {
    switch (self, other) {
    case (.float32(let a), .float32(let b)): return .float32(rule.merge(a, b))
    case (.float64(let a), .float64(let b)): return .float64(rule.merge(a, b))
    case (.int8(let a), .int8(let b)): return .int8(rule.merge(a, b))
    case (.uint8(let a), .uint8(let b)): return .uint8(rule.merge(a, b))
    case (.int32(let a), .int32(let b)): return .int32(rule.merge(a, b))
    case (.int64(let a), .int64(let b)): return .int64(rule.merge(a, b))
    case (.bool(let a), .bool(let b)): return .bool(rule.merge(a, b))
    case (.string(let a), .string(let b)): return .string(rule.merge(a, b))
    default: throw OperatorError("element-types-match", "tensors of different element types cannot be merged")
    }
  }

  package var count: Int {
    switch self {
    case .float32(let values): values.count
    case .float64(let values): values.count
    case .int8(let values): values.count
    case .uint8(let values): values.count
    case .int32(let values): values.count
    case .int64(let values): values.count
    case .bool(let values): values.count
    case .string(let values): values.count
    }
  }
}

extension Tensor {
  package func rearranged(_ shape: [Int], _ rule: some Rearrangement) -> Tensor {
    Tensor(element, shape, elements.rearranged(rule))
  }

  /// One element of every type: 0, false or the empty string.
  package static func zero(_ element: ElementType) -> Tensor {
    element == .string ? Tensor(.string, [], .string([""])) : Tensor(element, [], saturating: [0])
  }
}

/// Element `indices[i]` of the source becomes element `i`; indices were checked before.
package struct Selection: Rearrangement {
  package var indices: [Int]

  package init(_ indices: [Int]) { self.indices = indices }

  package func rearrange<T>(_ values: [T]) -> [T] { indices.map { values[$0] } }
}

/// As `Selection`, with element 0 of the second array where the index is negative.
package struct FilledSelection: Merge {
  package var indices: [Int]

  package init(_ indices: [Int]) { self.indices = indices }

  package func merge<T>(_ a: [T], _ b: [T]) -> [T] { indices.map { $0 < 0 ? b[0] : a[$0] } }
}

/// Writes element `i` of the second array at `targets[i]` of the first, in order.
package struct Overwrite: Merge {
  package var targets: [Int]

  package init(_ targets: [Int]) { self.targets = targets }

  package func merge<T>(_ a: [T], _ b: [T]) -> [T] {
    var result = a
    for (source, target) in targets.enumerated() { result[target] = b[source] }
    return result
  }
}

/// Lays blocks side by side: for each of `outer` rows, `widths[i]` elements of every operand.
package struct Interleave {
  package static func concatenate(_ operands: [Tensor.Elements], outer: Int, widths: [Int]) throws(OperatorError)
    -> Tensor.Elements
  {
    func join<T>(_ arrays: [[T]]) throws(OperatorError) -> [T] {
      guard arrays.count == operands.count else {
        throw OperatorError("element-types-match", "tensors of different element types cannot be joined")
      }
      var result: [T] = []
      result.reserveCapacity(outer * widths.reduce(0, +))
      for row in 0..<outer {
        for (array, width) in zip(arrays, widths) { result.append(contentsOf: array[row * width..<(row + 1) * width]) }
      }
      return result
    }
    switch operands[0] {
    case .float32: return .float32(try join(operands.compactMap { if case .float32(let v) = $0 { v } else { nil } }))
    case .float64: return .float64(try join(operands.compactMap { if case .float64(let v) = $0 { v } else { nil } }))
    case .int8: return .int8(try join(operands.compactMap { if case .int8(let v) = $0 { v } else { nil } }))
    case .uint8: return .uint8(try join(operands.compactMap { if case .uint8(let v) = $0 { v } else { nil } }))
    case .int32: return .int32(try join(operands.compactMap { if case .int32(let v) = $0 { v } else { nil } }))
    case .int64: return .int64(try join(operands.compactMap { if case .int64(let v) = $0 { v } else { nil } }))
    case .bool: return .bool(try join(operands.compactMap { if case .bool(let v) = $0 { v } else { nil } }))
    case .string: return .string(try join(operands.compactMap { if case .string(let v) = $0 { v } else { nil } }))
    }
  }
}
