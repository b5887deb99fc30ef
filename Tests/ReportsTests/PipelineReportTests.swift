import Basic
import Results
import Testing

@testable import Reports

/// Reports of dataflow pipelines, whose stages work at the same time.
@Suite struct PipelineReportTests {
  /// Three stages at 1 GHz with a shortcut from the first to the last: a short one that starts early, the slowest, and one that needs
  /// whole frames.
  static func pipeline() -> RunResult {
    func stage(_ id: Int, _ name: String, _ cycles: ClosedRange<Int>, interval: Int, isSlowest: Bool = false) -> KernelResult {
      var figures = ["ii": Double(interval)]
      if isSlowest { figures["bottleneck"] = 1 }
      return KernelResult(
        id: id, name: name, kind: "contraction", origin: [name], bound: isSlowest ? .compute : .dependency, reason: "streams words",
        startSeconds: Double(cycles.lowerBound) * 1e-9, latencySeconds: Double(cycles.count - 1) * 1e-9, floorSeconds: 0,
        cycles: cycles.count - 1, macs: 0, flops: 0, bytes: [:], energyJoules: nil, format: "fixed16", choice: "", isOpaque: false,
        operations: [], reads: [], writes: [], figures: figures)
    }
    var result = SyntheticResult.residualNetwork()
    result.kernels = [
      stage(0, "first", 0...4000, interval: 1000), stage(1, "slow", 10...9000, interval: 6000, isSlowest: true),
      stage(2, "sum", 20...9010, interval: 900), stage(3, "dense", 30...10_000, interval: 2000),
    ]
    result.timeline = Timeline(dependencies: [[0, 1], [1, 2], [0, 2], [2, 3]], isStreaming: true)
    result.totals.latencySeconds = 10_000e-9
    result.totals.floorSeconds = 6000e-9
    result.totals.floorScope = "with this folding"
    return result
  }

  @Test func whatStagesAddSumsToTheLatency() throws {
    let stages = try #require(PipelineStages(Self.pipeline()))
    #expect(stages.byInterval.map(\.kernel.id) == [1, 3, 0, 2])
    #expect(stages.byAddedTime.map(\.kernel.id) == [1, 0, 3, 2])
    #expect(abs(stages.byAddedTime.reduce(0) { $0 + $1.addedSeconds } - 10_000e-9) < 1e-15)
    #expect(PipelineStages(SyntheticResult.residualNetwork()) == nil)
  }

  @Test func bottlenecksOfAPipelineAreRankedByIntervalAndByAddedTime() throws {
    let text = try ExplainReport.render(Self.pipeline(), .bottlenecks)
    for words in [
      "at most 40.0 % could be saved with this folding", "longest interval, 6,000 cycles (6.00 µs) per frame",
      "#3 dense: 2,000 cycles, 33.3 % of the longest", "bits in #1, or less folding", "down to 2,000 cycles, where #3 takes over",
      "#1 slow: 5.00 µs, 50.0 % of the latency", "#3 dense: 990 ns, 9.9 % of the latency",
    ] {
      #expect(text.contains(words), "no '\(words)' in\n\(text)")
    }
    #expect(!text.contains("only a shorter chain would help"))
  }

  /// A stage streams its operands: there is no byte to divide by, and no canvas without dots.
  @Test func aPipelineHasNoRooflineAndNoOccupancy() throws {
    let html = try HTMLReport.render(Self.pipeline(), as: "html", ReportOptions()).text
    #expect(!html.contains("id=\"roofline\"") && !html.contains("id=\"memory\""))
    for name in [RooflineReport.name, MemoryReport.name] {
      let failure = #expect(throws: Failure.self) {
        try ReportCatalog.report(named: name).render(Self.pipeline(), as: "svg", ReportOptions())
      }
      #expect(failure?.description.contains("gantt") == true)
    }
  }

  @Test func theFirstScreenOfAPipelineHasNoSharesOfOverlappingTimes() {
    let text = TextReport.render(Self.pipeline())
    #expect(text.contains("no schedule with this folding is faster"))
    #expect(text.contains("of longest") && !text.contains("share  bound"))
    #expect(!HTMLSummary.text(Self.pipeline()).contains("time by bound"))
  }
}
