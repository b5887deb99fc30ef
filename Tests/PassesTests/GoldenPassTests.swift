import Foundation
import IR
import Ops
import Passes
import Testing

/// Every pass has a pair of graphs in `Fixtures/`: before and after. `UPDATE_GOLDEN=1` rewrites the second; a missing one fails.
@Suite("Golden graphs per pass")
struct GoldenPassTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")

  static func context() -> PassContext {
    PassContext(precision: PrecisionRequest.spellings["int8"], sparsity: .structured(kept: 2, of: 4))
  }

  @Test(arguments: PassCatalog.all.map(\.name))
  func graphBecomesWhatTheFixtureSays(_ name: String) throws {
    let pass = try #require(PassCatalog.pass(named: name))
    let before = Self.folder.appendingPathComponent("\(name).cwg")
    let after = Self.folder.appendingPathComponent("\(name).expected.cwg")
    let text = try #require(try? String(contentsOf: before, encoding: .utf8), "there is no fixture \(before.lastPathComponent)")
    let graph = try GraphText.parse(text, file: before.lastPathComponent, operators: OperatorCatalog.byName)
    #expect(graph.verify().isEmpty)
    #expect(graph.verifyTypes().isEmpty, "\(graph.verifyTypes())")
    var options = PassManager.Options()
    options.verifiesTypes = true
    options.checksPromises = true
    var reports: [PassManager.Report] = []
    let context = Self.context()
    let result = try PassManager([pass], options: options).run(graph, context, reports: &reports)
    #expect(reports.first?.changes ?? 0 > 0, "the fixture does not exercise the pass")
    let ledger = context.ledger.missed.map { "# missed \($0.rule): \($0.nodes.joined(separator: ", ")): \($0.reason)\n" }.joined()
    let printed = GraphText.print(result) + ledger
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" { try printed.write(to: after, atomically: true, encoding: .utf8) }
    let expected = try #require(try? String(contentsOf: after, encoding: .utf8), "there is no fixture \(after.lastPathComponent)")
    #expect(printed == expected)
    // A second run finds nothing more to do.
    if name != "fuse-kernels" {
      var again: [PassManager.Report] = []
      _ = try PassManager([pass]).run(result, Self.context(), reports: &again)
      #expect(again.first?.changes == 0, "\(name) changes its own result")
    }
  }
}
