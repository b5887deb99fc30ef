import Basic
import Hardware
import Results
import Testing

@testable import Reports

@Suite struct PlotReportTests {
  @Test(arguments: [GanttReport.name, MemoryReport.name, RooflineReport.name], SyntheticResult.Sample.allCases)
  func isWellFormedAndFreeOfScripts(name: String, sample: SyntheticResult.Sample) throws {
    let report = try ReportCatalog.report(named: name)
    // A canvas without anything on it would look like an answer.
    if sample == .empty, name == RooflineReport.name {
      #expect(throws: Failure.self) { try report.render(sample.result, as: "svg", ReportOptions()) }
      return
    }
    let svg = try report.render(sample.result, as: "svg", ReportOptions()).text
    _ = try XMLDocument.parse(Array(svg.utf8), file: "\(name).svg")
    #expect(!svg.contains("<script"))
    #expect(!svg.contains("href"))
    #expect(sample != .hostile || svg.contains("&lt;script&gt;"))
    #expect(try report.render(sample.result, as: "svg", ReportOptions()).text == svg)
  }

  @Test(arguments: [GanttReport.name, MemoryReport.name, RooflineReport.name], ["png", "pdf"])
  func rastersThroughGraphviz(name: String, format: String) throws {
    let report = try ReportCatalog.report(named: name)
    let bytes = try report.render(SyntheticResult.hostile(), as: format, ReportOptions()).bytes ?? []
    #expect(bytes.starts(with: format == "png" ? [0x89, 0x50, 0x4E, 0x47] : Array("%PDF".utf8)))
    #expect(bytes.count > 3000)
  }

  @Test func everySpanWideEnoughIsDrawnWithItsKernel() {
    let result = SyntheticResult.irregular(1000)
    let svg = SVGWriter.write(GanttReport.draw(result))
    let drawn = Set(svg.split(separator: "data-kernel=\"").dropFirst().compactMap { Int($0.prefix { $0 != "\"" }) })
    #expect(drawn.count > 950, "\(drawn.count) of 1000 kernels")
    #expect(svg.utf8.count < 1_500_000)
  }

  @Test func spansSideBySideGetLanesOfTheirOwn() {
    var result = SyntheticResult.residualNetwork()
    for index in result.timeline.spans.indices { result.timeline.spans[index].start = 0 }
    result.timeline.resources = [.init(name: "tensor cores", isExclusive: false)]
    let lanes = GanttLanes(result)
    #expect(lanes.rows.count == 8, "one resource has eight lanes at most")
    #expect(lanes.rows.reduce(0) { $0 + $1.spans.count } == result.kernels.count)
  }

  @Test func memoryNamesThePeak() {
    let svg = SVGWriter.write(MemoryReport.draw(SyntheticResult.residualNetwork()))
    #expect(svg.contains("l2: peak 1.72 MiB of 3.81 MiB (45.0 %), in #"))
    #expect(svg.contains(">capacity<"))
  }

  @Test func rooflineCountsWhatItLeavesOut() {
    var result = SyntheticResult.residualNetwork()
    for index in 0..<4 { result.kernels[index].flops = 0 }
    #expect(SVGWriter.write(RooflineReport.draw(result)).contains("4 kernels without arithmetic"))
  }

  @Test func rooflineShowsKernelsThatNeverLeaveTheChipAsRings() {
    var result = SyntheticResult.residualNetwork()
    for index in result.kernels.indices { result.kernels[index].bytes["l2"] = 1_000_000 }
    #expect(!SVGWriter.write(RooflineReport.draw(result)).contains("rings"))
    for index in 0..<4 { result.kernels[index].bytes["dram"] = 0 }
    let svg = SVGWriter.write(RooflineReport.draw(result))
    #expect(svg.contains("rings: kernels without dram traffic, placed by their bytes of l2"))
    #expect(svg.contains("FLOP/B of l2"))
  }

  /// Names of ceilings are drawn after the dots, on a ground of their own; a level for whose bytes no dot stands has no line.
  @Test func namesOfRoofsAreReadableOverDots() throws {
    let svg = SVGWriter.write(RooflineReport.draw(SyntheticResult.residualNetwork()))
    let lastDot = try #require(svg.ranges(of: "<circle").last)
    let name = try #require(svg.ranges(of: "dram 2.04 TB/s").last)
    #expect(lastDot.upperBound < name.lowerBound)
    #expect(!svg.contains(">l2 5.00 TB/s"))
  }

  @Test func textStaysInsideItsBox() {
    for width in stride(from: 5.0, through: 300, by: 7) {
      for text in ["W", "stage1/block0/downsample", SyntheticResult.hostileName, "漢字漢字漢字漢字"] {
        if let shown = TextMetrics.fit(text, width: width, size: 10) {
          #expect(TextMetrics.width(shown, size: 10) <= width)
        }
      }
    }
  }

  @Test func ticksAreRoundAndInside() {
    for (low, high) in [(0.0, 1.0), (0, 4.3e-4), (17, 18), (0, 8e9), (3, 3)] {
      let axis = Axis(.linear, from: low, to: high, at: 0, 100)
      let ticks = axis.ticks(about: 8)
      #expect(ticks.count <= 17)
      for tick in ticks { #expect(tick >= low * (1 - 1e-9) && tick <= axis.upper * (1 + 1e-9)) }
    }
    #expect(Axis(.logarithmic, from: 0.05, to: 2000, at: 0, 1).ticks(about: 10).count == 5)
  }
}

@Suite struct ParetoPlotTests {
  static let sample = ParetoPlot(
    title: "accuracy against latency", horizontal: .init("latency", .seconds, .lowerIsBetter),
    vertical: .init("top-1 accuracy", .share, .higherIsBetter),
    points: [
      .init(name: "fp32", series: "A100", x: 4e-3, y: 0.761), .init(name: "fp16", series: "A100", x: 1.6e-3, y: 0.7609),
      .init(name: "int8", series: "A100", x: 0.9e-3, y: 0.757),
      .init(name: "int8 2:4", series: "A100", x: 0.8e-3, y: 0.749),
      .init(name: "fp16 on T4", series: "T4", x: 3e-3, y: 0.7609),
      .init(name: "<script>\"]]>", series: "T4", x: 2.2e-3, y: 0.75),
      .init(name: "nothing", series: "T4", x: .nan, y: 0.5),
    ])

  @Test func frontIsWhatNothingBeats() {
    #expect(Self.sample.front.map { Self.sample.points[$0].name } == ["int8 2:4", "int8", "fp16", "fp32"])
  }

  @Test func isWellFormed() throws {
    let svg = Self.sample.svg()
    _ = try XMLDocument.parse(Array(svg.utf8), file: "pareto.svg")
    #expect(svg.contains("&lt;script&gt;"))
  }

  /// A result that does not know a figure is named and left out, not drawn at zero.
  @Test func resultsBecomePoints() {
    var known = SyntheticResult.residualNetwork()
    known.totals.energyJoules = 0.5
    var unknown = known
    unknown.totals.energyJoules = nil
    let plot = ParetoPlot([("a", known), ("b", unknown)], accuracy: [0.9, 0.8], x: .latency, y: .energy)
    #expect(plot.unknown == ["b"])
    #expect(plot.front == [0])
    let accuracy = ParetoPlot([("a", known), ("b", unknown)], accuracy: [0.9, 0.8], x: .latency, y: .accuracy)
    #expect(accuracy.unknown.isEmpty)
    #expect(accuracy.points.map(\.y) == [0.9, 0.8])
  }
}
