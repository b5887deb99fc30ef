import Engine
import Testing

struct DataflowSimulationTests {
  private func stage(_ name: String, reads: Int, writes: Int, interval: Int, latency: Int, count: Int) -> DataflowStage {
    DataflowStage(
      name: name,
      frame: [StageRun(StageStep(reads: reads, writes: writes, interval: interval, latency: latency), count: count)])
  }

  private func completed(_ network: DataflowNetwork, frames: Int) throws -> DataflowRun {
    try network.run(frames: frames).get()
  }

  @Test func aChainRunsAtThePaceOfItsSlowestStage() throws {
    let words = 50
    let network = try DataflowNetwork(
      stages: [
        stage("a", reads: 0, writes: 1, interval: 1, latency: 2, count: words),
        stage("b", reads: 1, writes: 1, interval: 5, latency: 5, count: words),
        stage("c", reads: 1, writes: 0, interval: 2, latency: 2, count: words),
      ],
      fifos: [
        DataflowFIFO(name: "ab", producer: 0, consumer: 1, depth: 4),
        DataflowFIFO(name: "bc", producer: 1, consumer: 2, depth: 4),
      ])
    let run = try completed(network, frames: 4)
    // First word at 2, read at 3; b gives its k-th word at 3 + 5k + 5; c reads it a cycle later and takes two.
    #expect(run.firstLatency == 3 + 5 * (words - 1) + 5 + 1 + 2)
    #expect(run.interval == network.stages[1].cyclesPerFrame)
    #expect(network.bottleneck == 1)
  }

  @Test(arguments: [1, 2, 3, 8, 64, 1000])
  func deeperIsNeverSlower(depth: Int) throws {
    var network = try DataflowNetwork(
      stages: [
        stage("burst", reads: 0, writes: 4, interval: 3, latency: 3, count: 25),
        stage("filter", reads: 4, writes: 1, interval: 2, latency: 6, count: 25),
        stage("sink", reads: 1, writes: 0, interval: 7, latency: 1, count: 25),
      ],
      fifos: [
        DataflowFIFO(name: "x", producer: 0, consumer: 1, depth: 4),
        DataflowFIFO(name: "y", producer: 1, consumer: 2, depth: 1),
      ])
    let shallow = try completed(network, frames: 3)
    network.fifos[0].depth = 4 + depth
    network.fifos[1].depth = depth
    let deep = try completed(network, frames: 3)
    #expect(deep.firstLatency <= shallow.firstLatency)
    #expect(deep.interval <= shallow.interval)
  }

  /// A split whose long branch needs the whole frame before it gives anything: the short branch must hold the frame.
  private func reconvergent(words: Int, shortcut depth: Int) throws -> DataflowNetwork {
    try DataflowNetwork(
      stages: [
        stage("split", reads: 0, writes: 1, interval: 1, latency: 1, count: words),
        DataflowStage(
          name: "whole",
          frame: [
            StageRun(StageStep(reads: 1, writes: 0, interval: 1, latency: 1), count: words),
            StageRun(StageStep(reads: 0, writes: 1, interval: 1, latency: 1), count: words),
          ]),
        stage("join", reads: 1, writes: 0, interval: 1, latency: 1, count: words),
      ],
      fifos: [
        DataflowFIFO(name: "long-in", producer: 0, consumer: 1, depth: 2),
        DataflowFIFO(name: "long-out", producer: 1, consumer: 2, depth: 2),
        DataflowFIFO(name: "shortcut", producer: 0, consumer: 2, depth: depth),
      ])
  }

  @Test func aShallowShortcutDeadlocksAndTheReportNamesIt() throws {
    let words = 40
    guard case .failure(let failure) = try reconvergent(words: words, shortcut: 2).run(frames: 2) else {
      Issue.record("the pipeline should deadlock")
      return
    }
    let names = Set(failure.report.cycle.map(\.name))
    #expect(names.contains("shortcut"))
    #expect(failure.report.cycle.contains { $0.isFull && $0.name == "shortcut" })
    let remedy = try #require(failure.report.remedy)
    #expect(remedy.name == "shortcut")
    let enough = try reconvergent(words: words, shortcut: remedy.depth).run(frames: 2)
    let tooLittle = try reconvergent(words: words, shortcut: remedy.depth - 1).run(frames: 2)
    #expect(enough.isCompleted)
    #expect(!tooLittle.isCompleted)
  }

  @Test func framesInFlightDelayTheThirdFrame() throws {
    let words = 10
    let stages = [
      stage("in", reads: 0, writes: 1, interval: 1, latency: 1, count: words),
      stage("out", reads: 1, writes: 0, interval: 9, latency: 9, count: words),
    ]
    let fifos = [DataflowFIFO(name: "f", producer: 0, consumer: 1, depth: 100)]
    let free = try completed(DataflowNetwork(stages: stages, fifos: fifos), frames: 4)
    let limited = try completed(DataflowNetwork(stages: stages, fifos: fifos, framesInFlight: 2), frames: 4)
    #expect(limited.started[2] == limited.finished[0] + 2)
    #expect(free.started[2] < limited.started[2])
    #expect(limited.interval == free.interval)
  }

  @Test func unevenRatesAndEmptyStagesAreRefused() {
    let stages = [
      stage("a", reads: 0, writes: 1, interval: 1, latency: 1, count: 3),
      stage("b", reads: 1, writes: 0, interval: 1, latency: 1, count: 4),
    ]
    #expect(throws: DataflowNetworkError.rateMismatch(fifo: "f", written: 3, read: 4)) {
      try DataflowNetwork(stages: stages, fifos: [DataflowFIFO(name: "f", producer: 0, consumer: 1, depth: 1)])
    }
    #expect(throws: DataflowNetworkError.zeroDepth(fifo: "f")) {
      try DataflowNetwork(
        stages: [stages[0], stages[0]], fifos: [DataflowFIFO(name: "f", producer: 0, consumer: 1, depth: 0)])
    }
    #expect(throws: DataflowNetworkError.empty) { try DataflowNetwork(stages: [], fifos: []) }
    #expect(throws: DataflowNetworkError.self) {
      var simulation = try DataflowSimulation(
        DataflowNetwork(
          stages: [
            stage("a", reads: 0, writes: 1, interval: 1, latency: 1, count: 1 << 40),
            stage("b", reads: 1, writes: 0, interval: 1, latency: 1, count: 1 << 40),
          ], fifos: [DataflowFIFO(name: "f", producer: 0, consumer: 1, depth: 1)]), frames: 2)
      _ = simulation.run()
    }
  }
}

extension Result {
  fileprivate var isCompleted: Bool { if case .success = self { true } else { false } }
}
