import Basic
import Foundation
import Hardware
import Results
import Testing

@testable import Reports

@Suite struct ScheduleReportTests {
  private func clusters(_ dot: String) -> Int {
    (dot.split(separator: "subgraph cluster_").count - 1) - (dot.split(separator: "subgraph cluster_column").count - 1)
  }

  @Test func hasAClusterPerKernelWithNumberTimeAndShare() throws {
    let result = SyntheticResult.residualNetwork()
    let dot = try ScheduleReport.dot(result)
    #expect(clusters(dot) == result.kernels.count)
    #expect(dot.contains("<B>#0 conv1 · 20.1 µs · "))
    #expect(dot.contains("f16[1,64,56,56] 392 KiB"))
    #expect(dot.contains("style=dashed"))
    #expect(dot.contains("style=solid"))
    #expect(try ScheduleReport.dot(result) == dot)
  }

  @Test func repeatedLayersAreFolded() throws {
    let dot = try ScheduleReport.dot(SyntheticResult.transformer(layers: 12))
    #expect(dot.contains("encoder/layer × 10 · "), "\(dot.split(separator: "\n").filter { $0.contains("×") })")
    // Mask, embeddings, pooler, first and last layer, and the folded one.
    #expect(clusters(dot) == 3 + 7 + 7 + 1)
  }

  @Test(arguments: [151, 1000, 8000]) func neverMoreThanTheLimit(count: Int) throws {
    let result = SyntheticResult.irregular(count)
    let graph = KernelGraph(result)
    let picture = SchedulePicture(graph, ScheduleOptions())
    #expect(picture.clusters.count <= 150)
    #expect(picture.clusters.count > 65)
    #expect(picture.hiddenKernels == 0)
    let groups = graph.groups(ScheduleOptions())
    #expect(groups.flatMap(\.members) == Array(0..<count))
  }

  @Test func foldedAndMergedGroupsCoverEveryKernelOnce() {
    for layers in [3, 12, 96] {
      let graph = KernelGraph(SyntheticResult.transformer(layers: layers))
      #expect(graph.groups(ScheduleOptions()).flatMap(\.members) == Array(graph.kernels.indices))
    }
  }

  @Test(arguments: [
    ("f32[1, 64, 56, 56]<f16 tensor f32>", "f16[1,64,56,56]"), ("f16[1,32,4096]", "f16[1,32,4096]"), ("f32[]", "f32[]"),
    ("<a>[", "<a>["), ("", ""),
  ])
  func typesAreShownAsTheyLieInMemory(type: String, shown: String) { #expect(SchedulePicture.compact(type) == shown) }

  @Test func focusShowsTheNeighbourhood() throws {
    var options = ScheduleOptions()
    options.focus = "stage2/block1/conv2"
    options.hops = 1
    let dot = try ScheduleReport.dot(SyntheticResult.residualNetwork(), options)
    #expect(clusters(dot) == 3)
    options.focus = "stage2/block1/convX"
    let failure = #expect(throws: Failure.self) {
      _ = try ScheduleReport.dot(SyntheticResult.residualNetwork(), options)
    }
    #expect(failure?.description.contains("did you mean 'stage2/block1/conv") == true)
  }

  @Test func criticalPathIsAPathOfDependencies() {
    let graph = KernelGraph(SyntheticResult.residualNetwork())
    let critical = graph.kernels.indices.filter { graph.isCritical[$0] }
    for (from, to) in zip(critical, critical.dropFirst()) {
      #expect(graph.edges.contains { $0.from == from && $0.to == to })
    }
    for index in critical { #expect(graph.slack[index] < 1e-12) }
  }

  @Test func cyclesInADamagedFileDoNoHarm() throws {
    var result = SyntheticResult.residualNetwork()
    result.timeline.dependencies += [[5, 2], [2, 5], [3, 3]]
    _ = try ScheduleReport.dot(result)
  }

  @Test(arguments: ["svg", "png", "pdf"]) func rendersEveryFormat(format: String) throws {
    let report = try ScheduleReport.render(SyntheticResult.transformer(layers: 3), as: format, ReportOptions())
    #expect(report.diagnostics.isEmpty, "\(report.diagnostics)")
    #expect((report.bytes?.count ?? 0) > 1000)
    #expect(report.companion?.fileExtension == "dot")
  }

  @Test func hostileNamesAppearAsText() throws {
    let report = try ScheduleReport.render(SyntheticResult.hostile(), as: "svg", ReportOptions())
    #expect(report.diagnostics.isEmpty, "\(report.diagnostics)")
    let svg = report.text
    #expect(!svg.contains("<script"))
    _ = try XMLDocument.parse(Array(svg.utf8), file: "schedule.svg")
    #expect(svg.contains("&lt;script&gt;"))
  }

  @Test func aMissingRendererLeavesTheText() throws {
    var options = ReportOptions()
    options.graphviz.executable = "/nowhere/render"
    let report = try ScheduleReport.render(SyntheticResult.residualNetwork(), as: "svg", options)
    #expect(report.bytes == nil)
    #expect(report.companion.map { String(decoding: $0.bytes, as: UTF8.self).hasPrefix("digraph") } == true)
    #expect(report.diagnostics.first?.message.contains("is missing") == true)
  }

  @Test func aLayoutThatTakesTooLongIsStopped() throws {
    let script = FileManager.default.temporaryDirectory.appendingPathComponent("cyclewright-sleeper-\(getpid()).sh")
    try "#!/bin/sh\nexec sleep 20\n".write(to: script, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
    defer { try? FileManager.default.removeItem(at: script) }
    var program = GraphvizRenderer()
    program.executable = script.path
    program.timeLimitSeconds = 0.05
    let failure = #expect(throws: Failure.self) { _ = try program.render("digraph {}", as: "svg") }
    #expect(failure?.description.contains("was stopped") == true)
  }

  @Test func aBrokenLabelIsAnError() {
    let failure = #expect(throws: Failure.self) {
      _ = try GraphvizRenderer().render("digraph { a [label=<<TABLE>>] }", as: "svg")
    }
    #expect(failure?.description.contains("could not be drawn") == true)
  }
}
