/// A buffer of a fixed number of slots between a producer and a consumer.
///
/// The producer takes a credit before it fills a slot and the consumer returns it when the slot is free again; with two
/// slots this is double buffering.
package struct CreditBuffer: Sendable, Hashable {
  package let slots: Int
  package private(set) var taken = 0
  package private(set) var highWater = 0

  package init(slots: Int) { self.slots = max(1, slots) }

  package var hasCredit: Bool { taken < slots }

  /// Takes a slot; false when all are in use.
  package mutating func take() -> Bool {
    guard hasCredit else { return false }
    taken += 1
    highWater = max(highWater, taken)
    return true
  }

  package mutating func give() { taken = max(0, taken - 1) }
}
