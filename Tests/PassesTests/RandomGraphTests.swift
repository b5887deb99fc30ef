import IR
import Lowering
import Ops
import Passes
import Testing

@Suite("Random graphs")
struct RandomGraphTests {
  @Test("passes keep what they promise, origins cover every source node once", arguments: 1...24)
  func passesKeepPromises(_ seed: Int) throws {
    let graph = try RandomGraph.make(seed: UInt64(seed), nodes: 4 + seed)
    #expect(graph.verify().isEmpty && graph.verifyTypes().isEmpty)
    var options = PassManager.Options()
    options.verifiesTypes = true
    options.checksPromises = true
    var reports: [PassManager.Report] = []
    let result = try PassManager(PassCatalog.predict, options: options).run(graph, PassContext(), reports: &reports)
    let program = try KernelProgram(result)
    let covered = (program.kernels.flatMap(\.origin) + program.folded.map(\.name)).sorted()
    #expect(covered == graph.source.nodeNames.sorted())
    for kernel in program.kernels { #expect(kernel.dependencies.allSatisfy { $0 < kernel.id }) }
  }

  @Test(arguments: 1...12)
  func parsingAndPrintingAreInverse(_ seed: Int) throws {
    let graph = try RandomGraph.make(seed: UInt64(seed), nodes: 20)
    var reports: [PassManager.Report] = []
    let fused = try PassManager(PassCatalog.predict).run(graph, PassContext(), reports: &reports)
    for stage in [graph, fused] {
      let text = GraphText.print(stage)
      let again = try GraphText.parse(text, file: "random", operators: OperatorCatalog.byName)
      #expect(GraphText.print(again) == text)
    }
  }

  @Test func bisectionStopsAfterTheGivenNumberOfChanges() throws {
    let graph = try RandomGraph.make(seed: 5, nodes: 30)
    var options = PassManager.Options()
    options.bisectLimit = 1
    var reports: [PassManager.Report] = []
    _ = try PassManager(PassCatalog.predict, options: options).run(graph, PassContext(), reports: &reports)
    #expect(reports.count { $0.changes > 0 } == 1)
    #expect(reports.contains { $0.wasSkipped })
  }
}
