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
}
