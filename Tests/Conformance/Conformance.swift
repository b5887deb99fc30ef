import Foundation
import Numerics
import Passes

/// Runs the ONNX backend suite: `cyclewright-conformance SUITE [--filter TEXT] [--reference] [--verbose]`, or one model:
/// `--evaluate MODEL FOLDER`, `--time MODEL FOLDER` or `--profile MODEL`, all with `[--dim=name=extent …] [--pipeline NAME] [--threads N]`.
///
/// Cases run in a child process, so that one that crashes is a failed case and not the end of the run.
@main struct Conformance {
  static func main() {
    do { try run() } catch {
      print("error: \(error)")
      exit(1)
    }
  }

  private static func run() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    func flag(_ name: String) -> Bool {
      guard let index = arguments.firstIndex(of: name) else { return false }
      arguments.remove(at: index)
      return true
    }
    func option(_ name: String) -> String? {
      guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
      defer { arguments.removeSubrange(index...index + 1) }
      return arguments[index + 1]
    }
    let path: Evaluator.Path = flag("--reference") ? .reference : .fast
    let isVerbose = flag("--verbose")
    let filter = option("--filter")
    let start = option("--child-from").flatMap { Int($0) }
    var dimensions: [String: Int] = [:]
    for argument in arguments where argument.hasPrefix("--dim=") {
      let parts = argument.dropFirst(6).split(separator: "=")
      if parts.count == 2, let extent = Int(parts[1]) { dimensions[String(parts[0])] = extent }
    }
    let evaluator = Evaluator(path: path, threads: option("--threads").flatMap { Int($0) })
    let pipeline = option("--pipeline")
    let passes = PassCatalog.pipelines.first { $0.name == pipeline }?.passes ?? []
    arguments.removeAll { $0.hasPrefix("--dim=") }
    func model(_ option: String?) -> ModelRun? {
      option.map { ModelRun(model: $0, dimensions: dimensions, evaluator: evaluator, passes: passes) }
    }
    if let run = model(option("--profile")) { return try run.profile() }
    if let run = model(option("--time")), let folder = arguments.first { return try run.time(folder: folder) }
    if let run = model(option("--evaluate")), let folder = arguments.first { return try run.run(folder: folder) }
    guard let suite = arguments.first else {
      print("usage: cyclewright-conformance onnx/backend/test/data [--filter TEXT] [--reference] [--verbose]")
      exit(2)
    }
    let cases = try ConformanceCase.all(in: suite).filter { filter.map($0.id.contains) ?? true }
    if let start {
      runChild(cases, from: start, path)
    } else {
      var child = [suite]
      if path == .reference { child.append("--reference") }
      if let filter { child += ["--filter", filter] }
      let results = try outcomes(cases, child)
      exit(Report(cases, results, isVerbose: isVerbose).printed())
    }
  }

  private static func runChild(_ cases: [ConformanceCase], from start: Int, _ path: Evaluator.Path) {
    for index in cases.indices.dropFirst(start) {
      let outcome = cases[index].run(path)
      let flags = [outcome.imported, outcome.typesAgree, outcome.evaluated].map { $0 ? "1" : "0" }.joined()
      print("\(index)\t\(flags)\t\(outcome.problem)")
      fflush(nil)
    }
  }

  private static func outcomes(_ cases: [ConformanceCase], _ arguments: [String]) throws -> [ConformanceCase.Outcome] {
    var outcomes: [ConformanceCase.Outcome] = []
    while outcomes.count < cases.count {
      let before = outcomes.count
      let child = Process()
      child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      child.arguments = arguments + ["--child-from", "\(before)"]
      child.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
      let pipe = Pipe()
      child.standardOutput = pipe
      try child.run()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      child.waitUntilExit()
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, Int(parts[0]) == outcomes.count else { continue }
        let flags = parts[1].map { $0 == "1" }
        outcomes.append(
          ConformanceCase.Outcome(
            imported: flags[0], typesAgree: flags[1], evaluated: flags[2], problem: String(parts[2])))
      }
      if outcomes.count < cases.count { outcomes.append(ConformanceCase.Outcome(problem: "crashed")) }
    }
    return outcomes
  }
}
