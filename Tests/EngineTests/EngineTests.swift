import Engine
import Testing

struct EngineTests {
  @Test func eventsPopByCycleThenInsertion() {
    var queue = EventQueue<String>()
    for (name, cycle) in [("c", 5), ("a", 2), ("d", 5), ("b", 2)] { queue.push(name, at: cycle) }
    var order: [String] = []
    while let (_, name) = queue.pop() { order.append(name) }
    #expect(order == ["a", "b", "c", "d"])
    #expect(queue.now == 5)
  }

  @Test func aServerNeverOverlaps() {
    var server = Server()
    let served = [(3, 4), (0, 2), (20, 0)].map { server.serve(from: $0.0, for: $0.1) }
    #expect(served == [3..<7, 7..<9, 20..<20])
    #expect(server.busy == 6)
  }

  @Test func creditsAreBounded() {
    var buffer = CreditBuffer(slots: 2)
    let taken = (0..<3).map { _ in buffer.take() }
    #expect(taken == [true, true, false])
    buffer.give()
    let again = buffer.take()
    #expect(again)
    #expect(buffer.highWater == 2)
  }

  /// Two equal transfers that overlap for their whole life take twice as long as one alone.
  @Test func transfersShareAChannelFairly() {
    var channel = SharedChannel<Int>(bytesPerCycle: 4)
    let stale = channel.start(1, bytes: 400, at: 0)
    let ticket = channel.start(2, bytes: 400, at: 0)
    let ignored = channel.redeem(stale)
    #expect(ignored == nil)
    #expect(ticket.cycle == 200)
    let ended = channel.redeem(ticket)?.ended
    #expect(ended == [1, 2])
    #expect(channel.isIdle && channel.busy == 200)
  }

  /// A later transfer slows an earlier one only while both are in flight: 100 cycles alone, then shared.
  @Test func sharingIsLimitedToTheOverlap() {
    var channel = SharedChannel<Int>(bytesPerCycle: 1)
    _ = channel.start(1, bytes: 200, at: 0)
    let first = channel.start(2, bytes: 50, at: 100)
    #expect(first.cycle == 200)
    let (ended, next) = channel.redeem(first) ?? ([], nil)
    #expect(ended == [2])
    #expect(next?.cycle == 250)
  }
}
