import ArgumentParser
import Basic
import Driver
import Reports
import Results

struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draws a saved result again without simulating.",
    discussion: """
      Views: \(ReportCatalog.all.map { "\($0.name) (\($0.fileExtensions.joined(separator: ", ")))" }.joined(separator: "; ")).
      A file that ends in .html is the interactive page, whatever the view.

      Examples:
        cyclewright draw result.json --view schedule -o schedule.svg
        cyclewright draw result.json -o schedule.pdf --focus layer3/conv1 --hops 3
        cyclewright draw result.json -o page.html --overlay profile.json
      """)

  @Argument(help: ArgumentHelp("A result written by 'predict --json'.", valueName: "result.json"))
  var result: String

  @Option(help: "What to draw.")
  var view = "schedule"

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file to write; its extension chooses the format.", valueName: "file"))
  var output: String

  @OptionGroup var part: SchedulePartOptions
  @OptionGroup var measured: OverlayOptions

  func run() throws {
    try reporting {
      let name = output.hasSuffix(".html") ? HTMLReport.name : view
      let request = try ReportRequest(try ReportCatalog.report(named: name), path: output)
      let saved = try ResultFile.read(result)
      var options = ReportOptions()
      options.schedule = part.options
      options.schedule.overlay = try measured.overlay(saved)
      options.graphviz.timeLimitSeconds = part.timeLimit
      try request.write(saved, options)
    }
  }
}

/// What part of a schedule to draw, and how.
struct SchedulePartOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Schedule: only what is near kernels or source nodes whose name contains this.", valueName: "name"))
  var focus: String?

  @Option(help: ArgumentHelp("Schedule: how near, with --focus.", valueName: "k"))
  var hops = 2

  @Option(help: ArgumentHelp("Schedule: draw the n slowest kernels one by one and merge the rest.", valueName: "n"))
  var top: Int?

  @Flag(help: "Schedule: draw the critical path and merge the rest.")
  var criticalPath = false

  @Option(help: "Schedule: a cluster per kernel or per layer.")
  var group = ScheduleOptions.Grouping.kernel

  @Option(help: "Schedule: what the fill colour stands for, the family of the operation or the number format.")
  var fill = ScheduleOptions.Fill.family

  @Flag(inversion: .prefixedNo, help: "Schedule: fold repeated blocks.")
  var fold = true

  @Option(help: ArgumentHelp("Schedule: clusters at most; the tail is merged and counted.", valueName: "n"))
  var clusters = 150

  @Option(help: ArgumentHelp("Schedule: columns side by side (default: about as wide as high).", valueName: "n"))
  var columns: Int?

  @Option(help: ArgumentHelp("Seconds that a layout may take.", valueName: "seconds"))
  var timeLimit = 20.0

  func validate() throws {
    guard hops >= 0, top.map({ $0 > 0 }) ?? true, clusters > 0, columns.map({ $0 > 0 }) ?? true, timeLimit > 0 else {
      throw ValidationError("--hops, --top, --clusters, --columns and --time-limit take numbers above zero")
    }
  }

  var options: ScheduleOptions {
    var options = ScheduleOptions()
    options.focus = focus
    options.hops = hops
    options.top = top
    options.isCriticalPathOnly = criticalPath
    options.grouping = group
    options.fill = fill
    options.folding = fold ? .automatic : .never
    options.clusterLimit = clusters
    options.columns = columns
    return options
  }
}

extension ScheduleOptions.Grouping: ExpressibleByArgument {}
extension ScheduleOptions.Fill: ExpressibleByArgument {}

/// Saved results.
enum ResultFile {
  static func read(_ path: String) throws(Failure) -> RunResult {
    try JSONReport.decode(try FileOutput.readBytes(path), file: path)
  }
}
