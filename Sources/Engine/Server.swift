/// A resource that serves one job at a time, first come first served, without preemption.
package struct Server: Sendable, Hashable {
  /// First cycle at which a new job could start.
  package private(set) var freeAt = 0
  /// Cycles spent serving.
  package private(set) var busy = 0

  package init() {}

  /// Serves `duration` cycles not before `earliest` and returns the interval taken.
  package mutating func serve(from earliest: Int, for duration: Int) -> Range<Int> {
    let start = max(freeAt, earliest)
    freeAt = start + duration
    busy += duration
    return start..<freeAt
  }
}
