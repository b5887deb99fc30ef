internal import Dispatch
internal import Synchronization

/// Runs independent pieces of one computation on several cores; the pieces, not the cores, decide the result.
struct Parallel: Sendable {
  let threads: Int

  /// Calls `body(piece, scratch)` for every piece; `scratch` has room for `scratch` floats and belongs to one caller at a time.
  func forEach(_ pieces: Int, scratch: Int = 0, _ body: (Int, UnsafeMutablePointer<Float>) -> Void) {
    let workers = min(threads, pieces)
    guard workers > 1 else {
      let room = UnsafeMutablePointer<Float>.allocate(capacity: max(scratch, 1))
      defer { room.deallocate() }
      for piece in 0..<pieces { body(piece, room) }
      return
    }
    let next = Atomic<Int>(0)
    withoutActuallyEscaping(body) { body in
      // Pieces write to places of their own, and all have ended before this returns.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: workers) { _ in
        let room = UnsafeMutablePointer<Float>.allocate(capacity: max(scratch, 1))
        defer { room.deallocate() }
        while true {
          let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard piece < pieces else { return }
          body(piece, room)
        }
      }
    }
  }

  /// Calls `body` with consecutive ranges of at most `size` elements that cover `0..<count`.
  func forEachRange(_ count: Int, of size: Int, _ body: (Range<Int>) -> Void) {
    forEach((count + size - 1) / size) { piece, _ in body(piece * size..<min(count, (piece + 1) * size)) }
  }
}
