internal import IR
internal import Ops

/// What hides keys: masks that are added or selected, their conjunctions, triangles, and masks that windows share.
extension GraphMatcher {
  /// The masks as one: seen as scores, joined, and repeated for every image where windows share it.
  func preparations(of masks: [AttentionMask]) -> [Recognition.Preparation] {
    guard let first = masks.first else { return [] }
    var before: [Recognition.Preparation] = first.view.map { [.view(input: 3, as: $0)] } ?? []
    if first.kind == .hides { before.append(.invert(input: 3)) }
    let others = masks.dropFirst()
    let joins = others.map { mask in
      Recognition.Preparation.combine(
        input: 3, mask.value, mask.kind == .addend ? .add : .and, isInverted: mask.kind == .hides, view: mask.view)
    }
    guard var wide = first.windows else { return before + joins }
    // Masks of all images and windows join before the sum is repeated for every image.
    let shapes = others.map { graph.tensorType($0.value)?.constantShape ?? [] }
    let areShared = zip(others, shapes).allSatisfy { $0.view == nil && $1.count == 4 && $1[0] == 1 }
    if areShared { wide[2] = shapes.reduce(wide[2]) { max($0, $1[1]) } }
    let repetition = Recognition.Preparation.spread(input: 3, over: wide, as: [wide[0] * wide[1]] + wide[2...])
    return before + (areShared ? joins + [repetition] : [repetition] + joins)
  }

  /// What an added mask is: where(keep, 0, −∞) and where(hide, −∞, 0) are Booleans, and a constant triangle in the place of 0
  /// is a mask of its own.
  func addedMasks(_ mask: ValueID, _ parts: inout AttentionParts) -> [AttentionMask] {
    if parts.isJoined, let heads = parts.heads {
      // As an addend of [b·h, s, t]; one that broadcasts over images and heads has 1 there.
      var mask = AttentionMask(value: mask, kind: .addend, isTriangular: false)
      if let shape = graph.tensorType(mask.value)?.constantShape, shape.count == 3, shape[0] == heads[0] * heads[1] {
        mask.view = heads + shape[1...]
      }
      return [mask]
    }
    guard let (id, _, node) = made(mask, by: Where.self), node.inputs.count == 3, let condition = node.inputs[0],
      let first = node.inputs[1], let second = node.inputs[2], let rank = graph.tensorType(condition)?.rank,
      rank == graph.tensorType(mask)?.rank
    else { return [self.mask(mask, .addend, parts)] }
    let keeps = scalar(second) == -.infinity
    guard keeps || scalar(first) == -.infinity else { return [self.mask(mask, .addend, parts)] }
    let rest = keeps ? first : second
    if scalar(rest) == 0 {
      parts.covers.append(id)
      return keeps ? conjuncts(condition, &parts) : [AttentionMask(value: condition, kind: .hides, isTriangular: false)]
    }
    let triangle = self.mask(rest, .addend, parts)
    guard triangle.isTriangular else { return [self.mask(mask, .addend, parts)] }
    parts.covers.append(id)
    return [triangle] + (keeps ? conjuncts(condition, &parts) : [AttentionMask(value: condition, kind: .hides, isTriangular: false)])
  }

  /// reshape(reshape(scores, [images, windows, h, s, t]) + mask): shifted windows, whose masks all images share.
  func windowMask(_ value: ValueID) -> (scores: ValueID, mask: AttentionMask?, nodes: [NodeID])? {
    guard let (outer, _, outerNode) = made(value, by: Reshape.self), let sum = binary(outerNode.inputs[0], .add),
      let flat = graph.tensorType(value)?.shape, flat.count == 4
    else { return nil }
    for (split, mask) in eitherOrder(sum) {
      guard let (inner, _, innerNode) = made(split, by: Reshape.self), let scores = innerNode.inputs[0],
        graph.tensorType(scores)?.shape == flat, let wide = graph.tensorType(split)?.shape, wide.count == 5, wide[2...] == flat[1...]
      else { continue }
      let nodes = [outer, sum.id, inner]
      let extents = wide.prefix(2).compactMap(\.constant)
      guard extents.count == 2, let own = graph.tensorType(mask)?.constantShape, own.count == 5,
        own[3...].map(Dimension.constant) == Array(flat[2...])
      else { return (scores, nil, nodes) }
      return (scores, AttentionMask(value: mask, kind: .addend, isTriangular: false, windows: extents + own[2...]), nodes)
    }
    return nil
  }

  private func mask(_ value: ValueID, _ kind: AttentionMask.Kind, _ parts: AttentionParts) -> AttentionMask {
    AttentionMask(value: value, kind: kind, isTriangular: isTriangular(value, isSelection: kind == .keeps, scores: parts.shape))
  }

  /// What a selection is the conjunction of, when one part is a constant triangle; else the selection itself.
  func conjuncts(_ value: ValueID, _ parts: inout AttentionParts) -> [AttentionMask] {
    var (leaves, nodes, open) = ([AttentionMask](), [NodeID](), [value])
    while let value = open.popLast() {
      if nodes.count < 4, let pair = binary(value, .and) {
        nodes.append(pair.id)
        open += [pair.b, pair.a]
      } else {
        leaves.append(mask(value, .keeps, parts))
      }
    }
    guard leaves.contains(where: \.isTriangular) else { return [AttentionMask(value: value, kind: .keeps, isTriangular: false)] }
    parts.covers += nodes
    return leaves
  }

  /// A selection of what to hide; a constant one that hides exactly the keys after each query is a triangle.
  func hidingMask(_ value: ValueID, _ parts: AttentionParts) -> AttentionMask {
    let isTriangular = isTriangular(value, scores: parts.shape) { hides, isVisible in (hides == 0) == isVisible }
    return AttentionMask(value: value, kind: .hides, isTriangular: isTriangular)
  }

  func isTriangular(_ mask: ValueID, isSelection: Bool, scores: [Dimension]) -> Bool {
    isTriangular(mask, scores: scores) { number, isVisible in
      isSelection ? (number != 0) == isVisible : isVisible ? number == 0 : number <= -1e4
    }
  }

  /// A constant mask of all scores that hides exactly the keys after each query, in every image and head.
  ///
  /// - `agrees`: whether a number of the mask says what it should of a key that is visible or not.
  private func isTriangular(_ mask: ValueID, scores: [Dimension], _ agrees: (Double, Bool) -> Bool) -> Bool {
    guard let constant = graph.constant(mask), let shape = constant.type.constantShape, shape.count >= 2, scores.count >= 2,
      shape.suffix(2).map(Dimension.constant) == Array(scores.suffix(2)), let count = constant.type.elementCount, count > 0,
      count <= largestMask, let numbers = Tensor(constant).flatMap({ try? $0.doubles() })
    else { return false }
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    for start in stride(from: 0, to: count, by: columns) {
      let last = start / columns % rows + columns - rows
      for column in 0..<columns where !agrees(numbers[start + column], column <= last) { return false }
    }
    return true
  }
}

/// Elements of a mask that is looked at: 4096 queries and keys.
private let largestMask = 1 << 24
