/// An operand of a node.
package enum OperandSlot: Hashable, Sendable {
  case input(Int)
  case output(Int)
}

/// How positions along one axis of an operand belong to units: position = offset + (o·count + unit)·inner + i, for every
/// o < outer and i < inner.
///
/// A plain axis has inner = outer = 1. Flattening [c, h, w] makes an axis of c units with inner = h·w; an axis of g groups of
/// c units each has outer = g; the second operand of a concatenation starts at an offset.
package struct AxisMap: Hashable, Sendable {
  package var slot: OperandSlot
  package var axis: Int
  package var offset: Int
  package var outer: Int
  package var inner: Int

  package init(_ slot: OperandSlot, _ axis: Int, offset: Int = 0, outer: Int = 1, inner: Int = 1) {
    self.slot = slot
    self.axis = axis
    self.offset = offset
    self.outer = outer
    self.inner = inner
  }

  /// Positions of one unit of `count`.
  package func positions(of unit: Int, count: Int) -> [Int] {
    (0..<outer).flatMap { o in (0..<inner).map { offset + (o * count + unit) * inner + $0 } }
  }
}

/// Axes of a node's operands that carry the same index: what is removed along one is removed along all.
///
/// An axis of more than one position that no tie of a node mentions cannot lose positions there: the node blocks it.
package struct AxisTie: Hashable, Sendable {
  package enum Role: Hashable, Sendable {
    /// The index passes through.
    case carried
    /// An index of the result that constant or computed weights make: filters of a convolution, columns of a product.
    case produced
    /// The index is summed over and does not reach the result.
    case summed
  }

  package var role: Role
  package var count: Int
  package var members: [AxisMap]

  package init(_ role: Role = .carried, count: Int, _ members: [AxisMap]) {
    self.role = role
    self.count = count
    self.members = members
  }
}

extension OperandTypes {
  /// Shape of an operand with all extents bound; nil for an absent one.
  package func shape(_ slot: OperandSlot) -> [Int]? {
    switch slot {
    case .input(let index): index < inputs.count ? inputs[index]?.tensor?.constantShape : nil
    case .output(let index): index < outputs.count ? outputs[index].tensor?.constantShape : nil
    }
  }

  /// Operands that are there.
  package var slots: [OperandSlot] {
    inputs.indices.filter { inputs[$0] != nil }.map(OperandSlot.input) + outputs.indices.map(OperandSlot.output)
  }

  /// Ties of a one-to-one computation: axes aligned from the right, as broadcasting does; an axis of extent 1 is free.
  package func alignedTies() -> [AxisTie] {
    let shapes = slots.compactMap { slot in shape(slot).map { (slot, $0) } }
    let rank = shapes.map(\.1.count).max() ?? 0
    return (0..<rank).compactMap { fromRight in
      let members = shapes.compactMap { slot, shape -> (map: AxisMap, extent: Int)? in
        let axis = shape.count - 1 - fromRight
        return axis >= 0 && shape[axis] > 1 ? (AxisMap(slot, axis), shape[axis]) : nil
      }
      guard let extent = members.first?.extent, members.allSatisfy({ $0.extent == extent }) else { return nil }
      return AxisTie(count: extent, members.map(\.map))
    }
  }

  /// Ties of every axis of input 0 with the same axis of every output, but for the axes left out.
  package func sameAxisTies(except excluded: Set<Int> = []) -> [AxisTie] {
    guard let x = shape(.input(0)) else { return [] }
    return x.indices.filter { !excluded.contains($0) }.map { axis in
      AxisTie(
        count: x[axis],
        [AxisMap(.input(0), axis)] + outputs.indices.filter { shape(.output($0))?.count == x.count }.map { AxisMap(.output($0), axis) })
    }
  }
}
