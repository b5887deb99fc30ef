import Basic
import Results
import Testing

@testable import Reports

@Suite struct TextReportTests {
  /// Time that belongs to no kernel has a row, so that shares sum to the whole.
  @Test func overheadIsARowOfTheTable() throws {
    var result = SyntheticResult.residualNetwork()
    let kernels = result.kernels.reduce(0) { $0 + $1.latencySeconds }
    result.totals.overhead = Overhead(name: "starting the run", seconds: kernels)
    result.timeline.spans.insert(
      .init(kernel: Timeline.Span.noKernel, resource: "driver", start: 0, end: 1e-6, kind: "starting the run"), at: 0)
    let rows = TextReport.render(result).split(separator: "\n").filter { $0.contains("%  host") || $0.contains("more, together") }
    #expect(rows.last?.contains("starting the run") == true && rows.last?.contains("50.0 %") == true)
    #expect(try ExplainReport.render(result, .bottlenecks).contains("50.0 % of the time is starting the run"))
    #expect(GanttLanes(result).rows.flatMap(\.spans).contains { $0.label == "starting the run" })
    #expect(HTMLSummary.text(result).contains("starting the run 50.0 %"))
  }

  @Test func firstScreenNamesEverything() {
    let text = TextReport.render(SyntheticResult.residualNetwork())
    for word in [
      "resnet50 on Example GPU 80 GB", "latency", "floor", "60.0 % of the latency", "throughput", "energy",
      "unavailable", "opaque", "bytes moved: l2", "1 fusions missed", "target example-gpu.xml cdcdcdcdcdcd",
      "fidelity fast",
    ] {
      #expect(text.contains(word), "no '\(word)' in\n\(text)")
    }
  }

  /// Twelve equal layers are twelve times one row, and the shares of all rows still add up to the whole.
  @Test func alikeKernelsAreOneRow() throws {
    let result = SyntheticResult.transformer(layers: 12)
    let groups = AlikeKernels.groups(result.kernels) { $0.latencySeconds }
    #expect(groups.reduce(0) { $0 + $1.count } == result.kernels.count)
    #expect(groups.count < result.kernels.count)
    let sums = groups.map { $0.reduce(0) { $0 + $1.latencySeconds } }
    #expect(zip(sums, sums.dropFirst()).allSatisfy { $0 >= $1 })
    let text = TextReport.render(result)
    #expect(text.contains("  12 ×  "), "\(text)")
    let shares = text.matches(of: /(\d+\.\d) %  [a-z]/).compactMap { Double($0.output.1) }
    let rest = text.firstMatch(of: /more, together +[^ ]+ [^ ]+ +(\d+\.\d) %/).flatMap { Double($0.output.1) } ?? 0
    #expect(abs(shares.reduce(rest, +) - 100) < 1, "\(text)")
  }

  @Test(arguments: [80, 100, 140]) func tablesFitTheWidth(width: Int) {
    var style = TextStyle()
    style.width = width
    let text = TextReport.render(SyntheticResult.transformer(layers: 12), style)
    for line in text.split(separator: "\n") where line.contains("launch") || line.contains("compute") {
      #expect(line.count <= width, "\(line)")
    }
  }

  @Test func namesCannotSteerTheTerminal() {
    let text = TextReport.render(SyntheticResult.hostile())
    for scalar in text.unicodeScalars {
      #expect(scalar == "\n" || scalar.value >= 32, "control character \(scalar.value)")
    }
  }

  @Test func emptyResultHasAFirstScreen() {
    #expect(TextReport.render(SyntheticResult().result()).contains("bytes moved: none"))
  }
}
