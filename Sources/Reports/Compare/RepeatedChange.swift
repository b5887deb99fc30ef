internal import Basic

/// Matches that tell the same: the layers of a network that repeats a block change alike.
struct RepeatedChange: Sendable {
  /// In the order of the first result's kernels; never empty.
  let matches: [ResultComparison.Match]
  /// What differs between the two sides.
  let reason: String

  /// Seconds gained (negative) or lost by all of them together.
  var difference: Double { matches.reduce(0) { $0 + $1.difference } }

  /// Groups the matches that changed their time by what a reader would see of them, the largest difference first.
  static func group(_ matches: [ResultComparison.Match]) -> [RepeatedChange] {
    struct Seen: Hashable {
      var reason: String
      var first: String
      var second: String
      var counts: [Int]
    }
    var order: [Seen] = []
    var members: [Seen: [ResultComparison.Match]] = [:]
    for match in matches where match.difference != 0 {
      let seen = Seen(
        reason: CompareReport.why(match), first: Format.seconds(match.firstSeconds), second: Format.seconds(match.secondSeconds),
        counts: [match.first.count, match.second.count])
      if members[seen] == nil { order.append(seen) }
      members[seen, default: []].append(match)
    }
    return order.map { RepeatedChange(matches: members[$0] ?? [], reason: $0.reason) }.enumerated()
      .sorted { ($1.element.difference.magnitude, $0.offset) < ($0.element.difference.magnitude, $1.offset) }.map(\.element)
  }
}
