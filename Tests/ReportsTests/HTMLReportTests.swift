import Basic
import Foundation
import Hardware
import Results
import Testing

@testable import Reports

@Suite struct HTMLReportTests {
  private static let chromium = "/usr/bin/chromium"

  private func page(_ result: RunResult, comparedWith earlier: RunResult? = nil) throws -> String {
    let report = try HTMLReport.page(result, comparedWith: earlier, ReportOptions())
    #expect(report.diagnostics.isEmpty, "\(report.diagnostics)")
    return report.text
  }

  @Test(arguments: SyntheticResult.Sample.allCases) func isWellFormedAndLoadsNothing(sample: SyntheticResult.Sample)
    throws
  {
    let text = try page(sample.result, comparedWith: sample == .hostile ? SyntheticResult.residualNetwork() : nil)
    _ = try XMLDocument.parse(Array(text.dropFirst("<!DOCTYPE html>".count).utf8), file: "page.html")
    #expect(text.split(separator: "<script").count == 3, "the data and the page's own script, nothing else")
    #expect(text.contains("default-src 'none'"))
    for word in ["src=", "@import", "url("] { #expect(!text.contains(word), "\(word)") }
    for address in text.split(separator: "http").dropFirst() {
      #expect(address.hasPrefix("://www.w3.org/") || address.hasPrefix("-equiv"), "\(address.prefix(40))")
    }
    #expect(text.utf8.count < 3_000_000)
  }

  @Test func hasEverySection() throws {
    var result = SyntheticResult.residualNetwork()
    result.resources = ["dsp": .init(used: 10, available: 20)]
    result.sparsity = [
      .init(
        layer: "fc", eligible: true, chosen: false, gain: 1.02, bound: .memory, metadataBytes: 64,
        reason: "bytes of activations")
    ]
    let text = try page(result, comparedWith: SyntheticResult.transformer(layers: 3))
    for id in [
      "summary", "compare", "schedule", "timeline", "kernels", "memory", "roofline", "fusion", "sparsity", "resources",
      "assumptions",
    ] {
      #expect(text.contains("<section id=\"\(id)\">"), "no section \(id)")
      #expect(text.contains("href=\"#\(id)\""))
    }
    #expect(text.split(separator: "<tr data-kernel=").count == result.kernels.count + 1)
  }

  @Test func everyKernelIsLinkedToACluster() throws {
    let result = SyntheticResult.transformer(layers: 12)
    let schedule = try HTMLSchedule(result, ReportOptions())
    #expect(schedule.clusters.count == result.kernels.count)
    let svg = try #require(schedule.svg)
    let missing = Set(schedule.clusters.values).filter { !svg.contains("id=\"kernel_\($0)\"") }
    #expect(missing.isEmpty)
  }

  @Test func withoutARendererThePageSaysSo() throws {
    var options = ReportOptions()
    options.graphviz.executable = "/nowhere"
    let report = try HTMLReport.page(SyntheticResult.residualNetwork(), comparedWith: nil, options)
    #expect(report.text.contains("The schedule could not be drawn"))
    #expect(report.diagnostics.first?.severity == .warning)
  }

  /// The script runs to its end in a real browser and finds nothing to run in hostile names.
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: chromium)),
    arguments: [SyntheticResult.Sample.transformer, .hostile])
  func runsInABrowser(sample: SyntheticResult.Sample) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("cyclewright-\(getpid())-\(sample).html")
    try page(sample.result).write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.chromium)
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(file.path).profile", "--dump-dom",
      file.absoluteString,
    ]
    let dom = try process.printedText()
    try? FileManager.default.removeItem(atPath: "\(file.path).profile")
    let count = sample.result.kernels.count
    let reachedItsEnd = dom.contains("data-ready=\"\(count)\"")
    let hasFiltered = dom.contains("\(count) of \(count) kernels")
    #expect(reachedItsEnd)
    #expect(hasFiltered)
    #expect(dom.split(separator: "<script").count == 3)
  }
}
