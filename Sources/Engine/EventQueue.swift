internal import HeapModule

/// Future events in the order `(cycle, insertion)`: two runs of the same model pop the same sequence.
package struct EventQueue<Payload> {
  private struct Entry: Comparable {
    let cycle: Int
    let order: Int
    let payload: Payload

    static func < (a: Entry, b: Entry) -> Bool { (a.cycle, a.order) < (b.cycle, b.order) }
    static func == (a: Entry, b: Entry) -> Bool { a.order == b.order }
  }

  private var heap = Heap<Entry>()
  private var inserted = 0
  /// Cycle of the event popped last; time never runs backwards.
  package private(set) var now = 0

  package init() {}

  package var isEmpty: Bool { heap.isEmpty }
  package var count: Int { heap.count }

  /// Schedules `payload`; a cycle in the past counts as now.
  package mutating func push(_ payload: Payload, at cycle: Int) {
    heap.insert(Entry(cycle: max(cycle, now), order: inserted, payload: payload))
    inserted += 1
  }

  /// The next event, moving time to its cycle.
  package mutating func pop() -> (cycle: Int, payload: Payload)? {
    guard let entry = heap.popMin() else { return nil }
    now = entry.cycle
    return (entry.cycle, entry.payload)
  }
}
