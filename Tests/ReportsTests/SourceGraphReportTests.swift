import Basic
import Foundation
import Hardware
import Results
import Testing

@testable import Reports

@Suite struct SourceGraphReportTests {
  /// A chain of every source node of the synthetic kernels, with a folded node in the middle.
  private func chain(_ result: RunResult) -> RunResult {
    var result = result
    let names = result.kernels.flatMap(\.origin)
    var nodes = names.map { GraphOutline.Node(name: $0, operation: "Op", type: "f32[1, 2]<f16 tensor f32>") }
    nodes.insert(.init(name: "identity", operation: "Identity", type: "f32[1]"), at: 1)
    result.outline = GraphOutline(nodes: nodes, edges: (1..<nodes.count).map { [$0 - 1, $0] })
    result.folded = [.init(name: "identity", reason: "does nothing")]
    return result
  }

  @Test func everyNodeNamesItsKernel() throws {
    let result = chain(SyntheticResult.residualNetwork())
    let dot = try SourceGraphReport.render(result, as: "dot", ReportOptions()).text
    #expect(dot.split(separator: "id=\"source_").count - 1 == result.outline.nodes.count)
    #expect(dot.contains("in #0 conv1"))
    #expect(dot.contains(">folded<"))
    #expect(dot.contains("f16[1,2]"))
  }

  @Test func manyNodesShareTheBoxOfTheirKernel() throws {
    let result = chain(SyntheticResult.irregular(200))
    let dot = try SourceGraphReport.render(result, as: "dot", ReportOptions()).text
    #expect(dot.split(separator: "id=\"source_").count - 1 == 200)
    // The chain stays one although the folded node is not drawn.
    #expect(dot.split(separator: " -> ").count - 1 == 199)
    #expect(dot.contains("1 of them not drawn"))
  }

  @Test func hostileNamesAreText() throws {
    let svg = try SourceGraphReport.render(chain(SyntheticResult.hostile()), as: "svg", ReportOptions()).text
    _ = try XMLDocument.parse(Array(svg.utf8), file: "graph.svg")
    #expect(svg.contains("&lt;script&gt;"))
    #expect(!svg.contains("<script"))
  }

  @Test func aResultWithoutOutlineIsAnError() {
    #expect(throws: Failure.self) {
      _ = try SourceGraphReport.render(SyntheticResult.residualNetwork(), as: "dot", ReportOptions())
    }
  }

  /// Every drawn kernel links to a source node that is drawn, and every source node of a kernel back to it.
  @Test func thePairLinksBothWays() throws {
    let result = chain(SyntheticResult.residualNetwork())
    var options = ReportOptions()
    options.schedule.partner = "the graph.svg"
    let schedule = try ScheduleReport.render(result, as: "dot", options).text
    let source = try SourceGraphReport.render(result, as: "dot", options).text
    func targets(_ text: String) -> [String] {
      text.components(separatedBy: "URL=\"the%20graph.svg#").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    }
    #expect(targets(schedule).count == result.kernels.count)
    for target in targets(schedule) { #expect(source.contains("id=\"\(target)\""), "\(target)") }
    #expect(targets(source).count == result.outline.nodes.count - 1)
    for target in targets(source) { #expect(schedule.contains("id=\"\(target)\""), "\(target)") }
  }

  @Test func aPictureAloneHasNoLinks() throws {
    #expect(!(try ScheduleReport.render(chain(SyntheticResult.residualNetwork()), as: "dot", ReportOptions()).text.contains("URL=")))
  }
}
