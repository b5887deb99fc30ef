internal import Basic
internal import IR
internal import Ops

/// x₁·cos − x₂·sin beside x₁·sin + x₂·cos for pairs of features: rotary position embedding.
///
/// Pairs are the halves of a head or neighbours. Exporters write x·cos + turned(x)·sin with turned(x) = [−x₂, x₁], or both results
/// one by one. Heads stand before or behind positions; features behind the rotated ones may be handed on as they are.
let recognizeRotaryEmbedding = recognizer(
  "recognize-rotary-embedding", "x·cos + [−x₂, x₁]·sin, of halves of a head or of neighbours, becomes a rotary position embedding.",
  endsAt: [BinaryElementwise(.add), Concatenate(axis: -1)], form: .rotaryEmbedding, conditions: Condition.all
) { match, id throws(NearMiss) in
  guard var found = match.rotation(match.graph[id].outputs[0]) else { return nil }
  guard found.isInterleaved == found.joinsNeighbours else { throw NearMiss(Condition.order, found.covers) }
  match.addUnturned(&found)
  guard let cosines = match.table(found.cosine, of: found), let sines = match.table(found.sine, of: found) else {
    throw NearMiss(Condition.tables, found.covers)
  }
  guard let shape = match.rotatedShape(found), let layout = RotationLayout(shape, cosines.leading, sines.leading) else {
    let shapes = [found.cosine, found.sine].map { match.graph.tensorType($0)?.shape.text ?? "unranked" }
    throw NearMiss(Condition.layout, found: shapes.joined(separator: " and "), found.covers)
  }
  var preparations: [Recognition.Preparation] = found.permutation.map { [.transpose(input: 0, $0)] } ?? []
  if found.isSplit || layout.shape.count != shape.count { preparations.append(.view(input: 0, as: layout.view)) }
  preparations += cosines.preparations(input: 2, layout.squeezed.cosines) + sines.preparations(input: 3, layout.squeezed.sines)
  let operation = RotaryEmbedding(
    isInterleaved: found.isInterleaved, heads: layout.heads, rotated: found.isPartial ? 2 * found.pairs : 0)
  var recognition = Recognition(
    operation: operation, inputs: [found.x, nil, cosines.value, sines.value], result: found.result, covers: found.covers,
    preparations: preparations)
  if found.isStacked || layout.shape.count != shape.count { recognition.viewedShape = layout.shape }
  return recognition
}

private enum Condition {
  static let order = "pairs of neighbours are put together as halves, or halves as neighbours"
  static let tables = "the two features of a pair are not known to have one cosine and one sine"
  static let layout = "cosines and sines are not one row per position that all heads share"
  static let all = [order, tables, layout]
}

/// What has been found of a rotation.
struct Rotation {
  var x: ValueID
  /// The rotated tensor is x in another order of axes.
  var permutation: [Int]?
  /// Neighbours have an axis of their own in x.
  var isSplit: Bool
  var cosine: ValueID
  var sine: ValueID
  var result: ValueID
  /// Neighbours have an axis of their own in the result.
  var isStacked = false
  var pairs: Int
  /// Neighbours are rotated, not the halves of a head.
  var isInterleaved: Bool
  /// The two results of a pair stand side by side.
  var joinsNeighbours: Bool
  /// Tables have one number per pair, not one per feature.
  var hasNarrowTables: Bool
  /// Features behind the rotated ones stay.
  var isPartial = false
  var covers: [NodeID]

  init(
    _ low: FeaturePart, _ high: FeaturePart, isInterleaved: Bool, _ tables: (cosine: ValueID, sine: ValueID), areNarrow: Bool,
    _ joined: JoinedPair, _ nodes: [NodeID]
  ) {
    (x, permutation, isSplit, pairs) = (low.x, low.permutation, low.isSplit, low.count)
    (cosine, sine) = tables
    self.isInterleaved = isInterleaved
    joinsNeighbours = joined.areNeighbours
    hasNarrowTables = areNarrow
    result = joined.value
    covers = nodes + joined.nodes + Set(low.nodes + high.nodes).sorted()
  }
}

extension GraphMatcher {
  func rotation(_ value: ValueID) -> Rotation? {
    if let sum = binary(value, .add) { return rotationBySum(sum, value) }
    return joinedPair(value).flatMap { rotationByParts($0) }
  }

  /// x·cos + join(−x₂, x₁)·sin.
  private func rotationBySum(_ sum: (id: NodeID, a: ValueID, b: ValueID), _ result: ValueID) -> Rotation? {
    for (direct, turned) in eitherOrder(sum) {
      guard let straight = binary(direct, .mul), let crossed = binary(turned, .mul) else { continue }
      for (rotated, sine) in eitherOrder(crossed) {
        guard let joined = mergedPair(rotated), let (negate, upper) = unary(joined.first, .neg), let low = featurePart(joined.second),
          let high = featurePart(upper), let isInterleaved = arePairs(low, high)
        else { continue }
        for (factor, cosine) in eitherOrder(straight) where isWhole(factor, of: low) {
          var found = Rotation(
            low, high, isInterleaved: isInterleaved, (cosine, sine), areNarrow: false, joined, [sum.id, straight.id, crossed.id, negate])
          found.result = result
          return found
        }
      }
    }
    return nil
  }

  /// join(x₁·cos − x₂·sin, x₁·sin + x₂·cos).
  private func rotationByParts(_ joined: JoinedPair) -> Rotation? {
    guard let difference = binary(joined.first, .sub), let sum = binary(joined.second, .add), let a = binary(difference.a, .mul),
      let b = binary(difference.b, .mul), let c = binary(sum.a, .mul), let d = binary(sum.b, .mul)
    else { return nil }
    for (x1, cosine) in eitherOrder(a) {
      for (x2, sine) in eitherOrder(b) {
        let crossed = [[x1, sine].sorted(), [x2, cosine].sorted()]
        let products = [[c.a, c.b].sorted(), [d.a, d.b].sorted()]
        guard products == crossed || products == crossed.reversed(), let low = featurePart(x1), let high = featurePart(x2),
          let isInterleaved = arePairs(low, high)
        else { continue }
        var found = Rotation(
          low, high, isInterleaved: isInterleaved, (cosine, sine), areNarrow: true, joined,
          [difference.id, sum.id, a.id, b.id, c.id, d.id])
        found.isStacked = joined.areNeighbours
        if joined.areNeighbours, let (view, merged) = mergingView(of: joined.value) {
          found.covers.append(view)
          (found.result, found.isStacked) = (merged, false)
        }
        return found
      }
    }
    return nil
  }

  /// concat(rotated, x[r…]): a rotation of the first features of x alone.
  func addUnturned(_ found: inout Rotation) {
    guard !found.isSplit, !found.isStacked, let first = featurePart(found.x), first.start == 0, first.step == 1, !first.isSplit,
      first.permutation == nil, first.nodes.count == 1, let reader = readers.sole(found.result),
      let (id, op, node) = made(graph[reader].outputs[0], by: Concatenate.self),
      node.inputs.count == 2, node.inputs[0] == found.result, let other = node.inputs[1], let rest = featurePart(other),
      rest.x == first.x, rest.permutation == found.permutation, rest.start == first.count, rest.step == 1,
      let type = graph.tensorType(first.x), op.axis == -1 || op.axis == type.rank - 1,
      type.shape.last?.constant == first.count + rest.count
    else { return }
    found.x = first.x
    found.result = node.outputs[0]
    found.isPartial = true
    found.covers += [id] + Set(first.nodes + rest.nodes).sorted()
  }

  /// Extents of what is rotated, with all features in one axis.
  fileprivate func rotatedShape(_ found: Rotation) -> [Dimension]? {
    guard let own = graph.tensorType(found.x)?.shape else { return nil }
    if found.isSplit { return own.dropLast(2) + [.constant(2 * found.pairs)] }
    return found.permutation?.map { own[$0] } ?? own
  }
}
