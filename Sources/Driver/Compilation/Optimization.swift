internal import Foundation
internal import Frontend
package import Basic
package import IR
package import Passes

/// Runs chosen passes over a model and shows what they did: the compiler's own workbench.
package struct Optimization: Sendable {
  package enum Printing: Sendable, Hashable { case never, always, whenChanged }

  package var model: ModelRequest
  package var passes: [GraphPass]
  package var options = Compilation.Options()
  package var printsPipeline = false
  package var printsBefore = false
  package var printsAfter = Printing.never
  package var dumpFolder: String?
  package var printsStatistics = false

  package init(model: ModelRequest, passes: [GraphPass]) {
    self.model = model
    self.passes = passes
  }

  /// Finds passes by name; `pipeline` is used when `names` is empty.
  package static func passes(named names: [String], pipeline: String) throws(Failure) -> [GraphPass] {
    guard names.isEmpty else {
      var result: [GraphPass] = []
      for name in names {
        guard let pass = PassCatalog.pass(named: name) else {
          let near = nearestSpelling(to: name, in: PassCatalog.all.map(\.name)).map { "did you mean \($0)?" }
          throw Failure("no pass '\(name)'", fix: near ?? "see 'cyclewright opt --help'")
        }
        result.append(pass)
      }
      return result
    }
    guard let found = PassCatalog.pipelines.first(where: { $0.name == pipeline }) else {
      let known = PassCatalog.pipelines.map(\.name)
      throw Failure(
        "no pipeline '\(pipeline)'",
        fix: nearestSpelling(to: pipeline, in: known).map { "did you mean \($0)?" } ?? "one of \(known.joined(separator: ", "))")
    }
    return found.passes
  }

  /// The graph after the passes, and what is to be printed (to standard error, so that the graph can go to standard output).
  package func run() throws(Failure) -> (graph: Graph, log: String) {
    let loaded = try LoadedModel(model)
    var log = loaded.diagnostics.map { "\($0)\n" }.joined()
    log += printsPipeline ? passes.map { "\($0.name)  \($0.preserves)  \($0.summary)\n" }.joined() : ""
    var dumps: [(name: String, text: String)] = []
    var index = 0
    let compiled = try Compilation(loaded.graph, passes: passes, options: options) { pass, before, after, changed in
      if printsBefore { log += "# before \(pass.name)\n" + GraphText.print(before) }
      if printsAfter == .always || (printsAfter == .whenChanged && changed) { log += "# after \(pass.name)\n" + GraphText.print(after) }
      if dumpFolder != nil {
        let number = String(repeating: "0", count: max(0, 2 - String(index).count)) + String(index)
        dumps.append(("\(number)-\(pass.name).cwg", GraphText.print(after)))
      }
      index += 1
    }
    if let dumpFolder {
      try? FileManager.default.createDirectory(atPath: dumpFolder, withIntermediateDirectories: true)
      for dump in dumps { try FileOutput.write(dump.text, to: "\(dumpFolder)/\(dump.name)") }
    }
    if printsStatistics { log += Self.statistics(compiled.reports) }
    return (compiled.graph, log)
  }

  private static func statistics(_ reports: [PassManager.Report]) -> String {
    var table = TextTable([("pass", .left), ("changes", .right), ("time", .right)])
    for report in reports { table.add([report.pass, report.wasSkipped ? "skipped" : "\(report.changes)", Format.seconds(report.seconds)]) }
    return table.render() + "\n"
  }
}
