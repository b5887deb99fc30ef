internal import IR

/// What near misses of attention can name.
enum AttentionCondition {
  static let axis = "the softmax does not run over the keys"
  static let product = "the scores are not a scaled product of queries and keys with masks added"
  static let shared = "the probabilities are read elsewhere too"
  static let depth = "the depth of the heads is not known"
  static let masks = "one mask is added and another selects"
  static let capped = "the scores pass a tanh that does not cap them, or one inside their masks"
  static let views = "the heads are seen apart and together in ways that differ, or extents are open"
  static let windows = "the windows of images share masks in a way that does not repeat"
  static let turned = "the values stand before the probabilities where heads are merged or have parts of images beside them"
  static let sinks = "a column that takes weight stands beside scores that are not [batch, heads, queries, keys]"
  static let changed = "the probabilities pass something else before they weigh the values"
  static let target = "the target has no attention kernel, or none for this mask, cap, grouping or depth"
  static let all = [axis, product, shared, depth, masks, capped, views, windows, turned, sinks, changed, target]
}

/// What has been found of an attention on the way from its softmax to its operands.
struct AttentionParts {
  var rank: Int
  var covers: [NodeID]
  var scale = 1.0
  /// Its parts on the operands of the product.
  var queryScale = 1.0
  var keyScale = 1.0
  /// One number per head, by which the scores are multiplied.
  var factor: ValueID?
  /// What is found from here on would be scaled: no mask may follow.
  var isScaled: Bool { scale != 1 || factor != nil }
  /// c of c·tanh(scale·Q·Kᵀ/c); the scale found inside is that of the shares until the walk ends.
  var cap: Double?
  var query: ValueID?
  var keys: ValueID?
  var masks: [AttentionMask] = []
  /// Images and heads, where queries and keys have them as one axis.
  var heads: [Int]?
  /// The walk has come to scores [b·h, s, t].
  var isJoined = false
  /// Of the scores, [b, h, s, t].
  let shape: [Dimension]

  init(scores: [Dimension], covers: [NodeID]) {
    rank = scores.count
    shape = scores
    self.covers = covers
  }
}

/// A tensor that is added to the scores, or Booleans that keep or hide them.
struct AttentionMask {
  enum Kind { case addend, keeps, hides }

  var value: ValueID
  var kind: Kind
  /// A constant that hides exactly the keys after each query. It may have millions of elements: it is looked at once.
  var isTriangular: Bool
  /// Where the scores of windows are [images, windows, h, s, t] for this mask alone: its extents there, repeated for every image.
  var windows: [Int]?
  /// The shape as which it broadcasts to [b, h, s, t], where it has one axis for images and heads.
  var view: [Int]?
}

/// Axes of images and heads that stand together or apart.
extension GraphMatcher {
  /// Operands of parts of images, [b, g, h, s, d], seen as [b·g, h, s, d], and so the result.
  private func flattened(
    _ found: AttentionParts, _ operands: (q: ValueID, k: ValueID, v: ValueID), _ keyPermutation: [Int]?, _ result: ValueID
  ) throws(NearMiss) -> (operands: [Recognition.Preparation], result: [Int]?) {
    func flat(_ value: ValueID, _ permutation: [Int]? = nil) throws(NearMiss) -> [Int] {
      guard let own = graph.tensorType(value)?.constantShape, own.count == 5 else { throw NearMiss(AttentionCondition.views, found.covers) }
      let shape = permutation?.map { own[$0] } ?? own
      return [shape[0] * shape[1]] + shape[2...]
    }
    var preparations: [Recognition.Preparation] = []
    for (input, value) in [operands.q, operands.k, operands.v].enumerated() {
      preparations.append(.view(input: input, as: try flat(value, input == 1 ? keyPermutation : nil)))
    }
    return (preparations, try flat(result))
  }

  /// The shape as which a mask of scores [b, g, h, s, t] broadcasts to [b·g, h, s, t]; nil where it does as it is.
  func flatMask(_ value: ValueID, _ found: AttentionParts) throws(NearMiss) -> [Int]? {
    guard let rank = graph.tensorType(value)?.rank, rank > 3 else { return nil }
    guard let own = graph.tensorType(value)?.constantShape, let scores = TensorType(.float32, found.shape).constantShape else {
      throw NearMiss(AttentionCondition.views, found.covers)
    }
    if rank == 4, own[0] == 1 { return nil }
    if own[..<(rank - 3)].allSatisfy({ $0 == 1 }) { return [1] + own[(rank - 3)...] }
    guard rank == 5, own[..<2] == scores[..<2] else { throw NearMiss(AttentionCondition.windows, found.covers) }
    return [own[0] * own[1]] + own[2...]
  }

  /// Operands [b·h, s, d] seen as [b, h, s, d], and the shape of the result where it is wanted as [b·h, s, e].
  func views(
    _ found: AttentionParts, _ operands: (q: ValueID, k: ValueID, v: ValueID), _ keyPermutation: [Int]?, result: ValueID
  ) throws(NearMiss) -> (operands: [Recognition.Preparation], result: [Int]?) {
    guard let heads = found.heads else { return found.rank == 5 ? try flattened(found, operands, keyPermutation, result) : ([], nil) }
    func apart(_ value: ValueID, _ permutation: [Int]? = nil) throws(NearMiss) -> [Int]? {
      guard let shape = graph.tensorType(value)?.constantShape, shape.count == 4 || (shape.count == 3 && shape[0] == heads[0] * heads[1])
      else { throw NearMiss(AttentionCondition.views, found.covers) }
      return shape.count == 4 ? nil : heads + (permutation ?? [0, 1, 2])[1...].map { shape[$0] }
    }
    var preparations: [Recognition.Preparation] = []
    for (input, value) in [operands.q, operands.k, operands.v].enumerated() {
      let view = try apart(value, input == 1 ? keyPermutation : nil)
      if let view { preparations.append(.view(input: input, as: view)) }
    }
    return (preparations, try apart(result))
  }
}
