internal import Dispatch
package import Basic
internal import Synchronization

/// Results of independent tasks in the order of their indices, run on all cores; the failure of the lowest index wins.
package func concurrently<T: Sendable>(
  _ count: Int, _ body: @Sendable (Int) throws(Failure) -> T, done: @Sendable (Double) -> Void = { _ in }
) throws(Failure) -> [T] {
  if count == 1 {
    let only = try body(0)
    done(1)
    return [only]
  }
  let slots = Mutex([Result<T, Failure>?](repeating: nil, count: count))
  let finished = Atomic(0)
  DispatchQueue.concurrentPerform(iterations: count) { index in
    let result: Result<T, Failure>
    do throws(Failure) { result = .success(try body(index)) } catch { result = .failure(error) }
    slots.withLock { $0[index] = result }
    done(Double(finished.add(1, ordering: .relaxed).newValue) / Double(count))
  }
  var values: [T] = []
  for slot in slots.withLock({ $0 }) {
    switch slot {
    case .success(let value): values.append(value)
    case .failure(let failure): throw failure
    case nil: throw Failure("a task did not run")
    }
  }
  return values
}
