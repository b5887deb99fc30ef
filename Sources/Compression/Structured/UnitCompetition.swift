/// How a share to remove from the whole model falls to its groups when all their units compete.
///
/// A unit's cost is its share of the group's importance: importances of different groups have different scales, the part of a
/// reader's input that goes with a unit does not.
struct UnitCompetition {
  /// No group loses more than this.
  private static let most = 0.9
  private let order: [Int]
  private let present: [Int]
  private let originals: [Int]

  /// - Parameters:
  ///   - scores: importance of the units that are left, per group.
  ///   - originals: units of each group before anything was removed.
  init(_ scores: [[Double]], originals: [Int]) {
    var units: [(cost: Double, group: Int)] = []
    for (group, own) in scores.enumerated() {
      let total = own.reduce(0, +)
      for score in own { units.append((total > 0 ? score / total : 0, group)) }
    }
    order = units.indices.sorted { (units[$0].cost, $0) < (units[$1].cost, $1) }.map { units[$0].group }
    present = scores.map(\.count)
    self.originals = originals
  }

  /// The share of its original units that each group has lost when the model has lost `share`.
  func shares(_ share: Double) -> [Double] {
    var gone = zip(originals, present).map { $0 - $1 }
    var left = Int((Double(originals.reduce(0, +)) * share).rounded()) - gone.reduce(0, +)
    for group in order where left > 0 && Double(gone[group] + 1) <= Double(originals[group]) * Self.most {
      gone[group] += 1
      left -= 1
    }
    return zip(gone, originals).map { Double($0) / Double(max(1, $1)) }
  }
}
