/// When one layer runs and where its cycles go.
package struct LayerTiming: Sendable {
  /// Cycle at which the layer before has ended.
  package var start: Int
  package var end: Int
  /// The array (or vector engine, or host) works in this interval.
  package var work: Range<Int>
  /// Cycles each memory is busy for the layer, what came early included.
  package var busy: [Int]
  /// Cycles of weight transfer that ran under the layer before.
  package var early: Int
  /// Every cycle between `start` and `end` by cause; `streaming` is the useful one.
  package var causes: [Cause: Int]
  /// The memory that ends last, when it is a memory that binds.
  package var bindingMemory: Int?

  package var cycles: Int { end - start }

  /// A layer of no cycles.
  init(at cycle: Int, busy: [Int]) {
    start = cycle
    end = cycle
    work = cycle..<cycle
    self.busy = busy
    early = 0
    causes = [:]
  }

  /// What a cycle is spent on.
  package enum Cause: String, Sendable, Hashable, CaseIterable, Comparable {
    case streaming
    case fillDrain = "fill and drain"
    case weightLoad = "weight load"
    case outputStage = "output stage"
    case dependency
    case weightTransfer = "weight DMA"
    case inputTransfer = "input DMA"
    case outputTransfer = "output DMA"
    case memoryBandwidth = "memory bandwidth"
    case bankConflict = "bank conflict"
    case launch
    case fallback

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }
}
