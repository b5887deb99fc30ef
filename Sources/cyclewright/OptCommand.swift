import ArgumentParser
import Basic
import Driver
import Foundation
import IR
import Passes

struct OptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "opt",
    abstract: "Runs compiler passes over a model and writes the graph.",
    discussion: """
      Passes:
      \(PassCatalog.all.map { "  \($0.name) — \($0.summary) (\($0.preserves))" }.joined(separator: "\n"))
      Pipelines:
      \(PassCatalog.pipelines.map { "  \($0.name) — \($0.summary)" }.joined(separator: "\n"))

      Example:
        cyclewright opt model.onnx --pipeline canonicalize --pass-statistics -o model.cwg
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var format: FormatOptions
  @Option(help: ArgumentHelp("Passes to run, in this order.", valueName: "a,b,…")) var passes: String?
  @Option(help: "Pipeline to run when no passes are named.") var pipeline = "canonicalize"
  @Option(help: ArgumentHelp("A machine whose capabilities decide what fuses.", valueName: "T")) var target: String?
  @OptionGroup var folder: TargetFolderOption
  @Flag(help: "Compute types only and leave weight values out (fast).") var structural = false
  @Flag(help: "Print the passes that will run.") var printPipeline = false
  @Flag(help: "Print the graph before every pass.") var printBefore = false
  @Flag(help: "Print the graph after every pass.") var printAfter = false
  @Flag(help: "Print the graph after every pass that changed it.") var printChanged = false
  @Option(help: ArgumentHelp("Write the graph after every pass into a folder.", valueName: "folder")) var dumpPasses: String?
  @Option(help: ArgumentHelp("Stop after N passes that changed something.", valueName: "N")) var bisectLimit: Int?
  @Flag(help: "Print changes and time per pass.") var passStatistics = false
  @Flag(help: "Evaluate before and after every pass on seeded inputs and fail when it breaks its promise.") var checkPasses = false
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "File for the graph: text (.cwg) or ONNX (.onnx); - is standard output (default, unless a log is asked for).", valueName: "file"))
  var output: String?

  /// Whether what passes did was asked for; else the graph is.
  private var asksForLog: Bool {
    printPipeline || printBefore || printAfter || printChanged || passStatistics || checkPasses || dumpPasses != nil
  }

  func run() throws {
    try reporting {
      let names = passes.map { $0.split(separator: ",").map(String.init) } ?? []
      var optimization = Optimization(model: try model.request(), passes: try Optimization.passes(named: names, pipeline: pipeline))
      if let target { optimization.options.capabilities = try MachineCatalog.machine(for: try folder.catalog().load(target)).capabilities }
      optimization.options.values = structural ? .structural : .exact
      optimization.options.precision = format.precision
      optimization.options.sparsity = format.sparsity
      optimization.options.manager.bisectLimit = bisectLimit
      optimization.options.manager.verifiesTypes = true
      optimization.options.manager.checksPromises = checkPasses
      optimization.printsPipeline = printPipeline
      optimization.printsBefore = printBefore
      optimization.printsAfter = printAfter ? .always : printChanged ? .whenChanged : .never
      optimization.dumpFolder = dumpPasses
      optimization.printsStatistics = passStatistics
      let (graph, log) = try optimization.run()
      OutputFile.note(log)
      if let file = output ?? (asksForLog ? nil : "-") { try GraphOutput.write(graph, to: file) }
    }
  }
}
