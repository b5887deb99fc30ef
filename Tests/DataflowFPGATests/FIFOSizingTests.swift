import Engine
import Testing

struct FIFOSizingTests {
  @Test(arguments: 0..<40)
  func sizedPipelinesNeverDeadlockAndLoseNothing(seed: Int) throws {
    let graph = SeriesParallel(seed: UInt64(seed), depth: 2)
    let network = try graph.network(depth: 2)
    let free = try graph.network(depth: 10_000).run(frames: 3).get()
    let sizing = try network.sized()
    var sized = network
    for (index, depth) in sizing.depths.enumerated() { sized.fifos[index].depth = depth }
    let run = try sized.run(frames: 8).get()
    #expect(run.firstLatency == free.firstLatency)
    #expect(run.finished.count == 8)
    let occupancy = try network.sizedByOccupancy().network.run(frames: 8).get()
    #expect(occupancy.firstLatency == free.firstLatency)
  }

  @Test(arguments: 0..<40)
  func latencyLiesBetweenTheSlowestStageAndTheSum(seed: Int) throws {
    let network = try SeriesParallel(seed: UInt64(1000 + seed), depth: 2).network(depth: 10_000)
    // Long enough for the interval to settle.
    let run = try network.run(frames: 10).get()
    let isolated = network.stages.map(\.isolatedLatency)
    #expect(run.firstLatency >= isolated.max() ?? 0)
    // A hand-over takes one cycle per stage.
    #expect(run.firstLatency <= isolated.reduce(0, +) + 2 * network.stages.count)
    #expect(run.interval >= (network.stages.map(\.cyclesPerFrame).max() ?? 0) - 1)
  }

  @Test(arguments: 0..<40)
  func theSameRunTwiceIsTheSame(seed: Int) throws {
    let network = try SeriesParallel(seed: UInt64(5000 + seed), depth: 2).network(depth: 3)
    let first = try network.run(frames: 3)
    let second = try network.run(frames: 3)
    #expect(first == second)
  }

  @Test(arguments: 0..<40)
  func everyDeadlockNamesAClosedCycleWithAFullFIFO(seed: Int) throws {
    let network = try SeriesParallel(seed: UInt64(9000 + seed), depth: 2).network(depth: 1)
    guard case .failure(let failure) = try network.run(frames: 2) else { return }
    let cycle = failure.report.cycle
    #expect(cycle.count > 1)
    #expect(cycle.contains { $0.isFull })
    #expect(cycle.contains { !$0.isFull })
    #expect(failure.report.remedy != nil)
  }
}
