import Engine
import Testing

@testable import DataflowFPGA

struct SizingCacheTests {
  /// Words of another width find the depths of the first pipeline; another schedule does not.
  @Test func equalSchedulesShareTheirDepths() throws {
    func network(width: Int, interval: Int) throws -> DataflowNetwork {
      let source = DataflowStage(name: "source", frame: [StageRun(StageStep(reads: 0, writes: 1, interval: 1, latency: 1), count: 20)])
      let sink = DataflowStage(name: "sink", frame: [StageRun(StageStep(reads: 1, writes: 0, interval: interval, latency: 1), count: 20)])
      return try DataflowNetwork(
        stages: [source, sink], fifos: [DataflowFIFO(name: "stream", producer: 0, consumer: 1, depth: 20, width: width)])
    }
    let cache = SizingCache()
    for (width, interval) in [(8, 3), (16, 3), (16, 1), (8, 1)] {
      let network = try network(width: width, interval: interval)
      let (cached, run) = try cache.sized(network)
      let (plain, expected) = try network.sizedByOccupancy()
      #expect(cached == plain && run == expected)
    }
  }
}
