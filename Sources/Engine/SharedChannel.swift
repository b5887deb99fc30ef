/// A channel whose bandwidth the transfers in flight share equally, as on a bus with fair arbitration.
///
/// Between arrivals and departures every one of `n` transfers proceeds at `bytesPerCycle / n`. A departure is announced
/// by a ticket, and a ticket that an arrival has made stale is ignored when it comes.
package struct SharedChannel<Tag: Hashable & Sendable>: Sendable {
  private struct Flow: Sendable {
    let tag: Tag
    var remaining: Double
  }

  /// When the earliest transfer will end, if nothing else arrives.
  package struct Ticket: Sendable, Hashable {
    package let cycle: Int
    fileprivate let version: Int
  }

  package let bytesPerCycle: Double
  private var flows: [Flow] = []
  private var time = 0
  private var version = 0
  /// Cycles with at least one transfer in flight.
  package private(set) var busy = 0
  /// Bytes carried by transfers that have ended or are in flight.
  package private(set) var accepted = 0

  package init(bytesPerCycle: Double) { self.bytesPerCycle = max(bytesPerCycle, 1e-12) }

  package var isIdle: Bool { flows.isEmpty }

  /// Adds a transfer of `bytes` at `cycle` and returns the channel's new ticket.
  package mutating func start(_ tag: Tag, bytes: Int, at cycle: Int) -> Ticket {
    advance(to: cycle)
    flows.append(Flow(tag: tag, remaining: Double(max(0, bytes))))
    accepted += max(0, bytes)
    return renewed()
  }

  /// Redeems a ticket: the transfers that end at its cycle, in order of arrival, and the next ticket.
  ///
  /// Returns nil when the ticket is stale.
  package mutating func redeem(_ ticket: Ticket) -> (ended: [Tag], next: Ticket?)? {
    guard ticket.version == version else { return nil }
    advance(to: ticket.cycle)
    // A transfer ends in the cycle in which its last byte passes.
    let ended = flows.filter { $0.remaining < 1e-6 }.map(\.tag)
    flows.removeAll { $0.remaining < 1e-6 }
    return (ended, flows.isEmpty ? nil : renewed())
  }

  private mutating func advance(to cycle: Int) {
    guard cycle > time else { return }
    if !flows.isEmpty {
      let share = bytesPerCycle * Double(cycle - time) / Double(flows.count)
      for index in flows.indices { flows[index].remaining = max(0, flows[index].remaining - share) }
      busy += cycle - time
    }
    time = cycle
  }

  private mutating func renewed() -> Ticket {
    version += 1
    let least = flows.reduce(Double.infinity) { min($0, $1.remaining) }
    let wait = (least * Double(flows.count) / bytesPerCycle - 1e-9).rounded(.up)
    return Ticket(cycle: time + max(0, Int(wait)), version: version)
  }
}
