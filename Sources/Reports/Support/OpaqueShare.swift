internal import Results

/// What every report says beside the share of the latency that is in opaque kernels.
enum OpaqueShare {
  /// What the time of an opaque kernel is worth.
  static let bound = "a lower bound, its arithmetic is unknown and only bytes count"

  static func note(_ totals: Totals) -> String {
    let share = "of the latency is in operators that are not modelled"
    return totals.opaqueShare > 0 ? "\(share): a lower bound, their arithmetic is unknown and only bytes count" : share
  }
}
