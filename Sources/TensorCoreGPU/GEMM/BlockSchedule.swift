internal import Engine

/// The thread blocks of one candidate kernel carried out as events: every slot takes the next block when it is free.
///
/// A slot that is used again starts its next block early by the share of fill and epilogue that overlap hides. Waves
/// that fill every slot repeat exactly, so all but the first few are skipped in closed form.
struct BlockSchedule {
  let candidate: GEMMCandidate

  /// Clocks from the first block's start to the last one's end.
  func clocks(fill: Double) -> Double {
    let slots = Int(candidate.cost.slots)
    let hidden = candidate.cost.overlap
    let skipped = max(0, Int(candidate.grid.fullWaves) - Self.wavesSimulated)
    let fullBlocks = (Int(candidate.grid.fullWaves) - skipped) * slots
    let blocks = Int(candidate.grid.blocks) - skipped * slots
    let full = Block(fill: fill, wave: candidate.full)
    let last = Block(fill: fill, wave: candidate.last)

    var queue = EventQueue<Int>()
    var next = min(slots, blocks)
    var end = 0
    for index in 0..<next { queue.push(index, at: (index < fullBlocks ? full : last).length) }
    while let (now, finished) = queue.pop() {
      end = max(end, now)
      guard next < blocks else { continue }
      let previous = finished < fullBlocks ? full : last
      let block = next < fullBlocks ? full : last
      let early = hidden * (block.fill + previous.epilogue)
      queue.push(next, at: now + block.length - Int((early * Self.subclocks).rounded()))
      next += 1
    }
    return Double(end) / Self.subclocks + Double(skipped) * full.period(hidden: hidden)
  }

  private struct Block {
    var fill: Double
    var steps: Double
    var epilogue: Double
    var wait: Double

    init(fill: Double, wave: GEMMWave) {
      self.fill = fill
      steps = wave.steps
      epilogue = wave.epilogue
      wait = wave.wait
    }

    /// In the queue's unit, a part of a clock.
    var length: Int { Int(((fill + steps + epilogue + wait) * BlockSchedule.subclocks).rounded()) }

    func period(hidden: Double) -> Double { steps + (1 - hidden) * (fill + epilogue) + wait }
  }

  /// Events are ordered by whole numbers; a sixteenth of a clock keeps rounding below a thousandth of any block.
  private static let subclocks = 16.0
  private static let wavesSimulated = 4
}
