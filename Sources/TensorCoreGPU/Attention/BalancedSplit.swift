/// How FlashAttention-2 cuts a cache into pieces: the fewest that come within 15 % of the best balance over the SMs.
///
/// `num_splits_heuristic` of its `csrc/flash_attn/flash_api.cpp`, with the numbers of that function. It is called with twice the
/// SMs, as two blocks of 128 threads fit one.
struct BalancedSplit {
  let smCount: Int

  /// Pieces for `blocks` blocks whose keys take `steps` main-loop steps.
  func pieces(blocks: Int, steps: Int) -> Int {
    let slots = Self.blocksPerSM * smCount
    guard Double(blocks) < Self.fullShare * Double(slots) else { return 1 }
    let most = min(Self.mostPieces, slots, max(1, steps))
    func balance(_ pieces: Int) -> Double {
      if pieces > 1, (steps + pieces - 1) / pieces == (steps + pieces - 2) / (pieces - 1) { return 0 }
      let waves = Double(blocks * pieces) / Double(slots)
      return waves / waves.rounded(.up)
    }
    var best = 0.0
    for pieces in 1...most { best = max(best, balance(pieces)) }
    for pieces in 1...most where balance(pieces) >= Self.balanceShare * best { return pieces }
    return 1
  }

  private static let blocksPerSM = 2
  /// Share of the slots from which a grid is not cut.
  private static let fullShare = 0.8
  private static let mostPieces = 128
  /// Share of the best balance that is good enough.
  private static let balanceShare = 0.85
}
