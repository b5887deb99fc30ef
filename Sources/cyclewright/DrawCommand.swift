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
      A file that ends in .html is the interactive page, whatever the view. The view pareto (svg) takes several results.

      Examples:
        cyclewright draw result.json --view schedule -o schedule.svg
        cyclewright draw result.json -o schedule.pdf --focus layer3/conv1 --hops 3
        cyclewright draw result.json -o page.html --overlay profile.json
        cyclewright draw result.json -o schedule.svg --pair
        cyclewright draw f16.json i8.json w4.json --view pareto --x latency --y weights -o front.svg
        cyclewright draw f16.json i8.json --view pareto --y accuracy --accuracy 0.918,0.915 -o front.svg
      """)

  @Argument(help: ArgumentHelp("A result written by 'predict --json'; several for the view pareto.", valueName: "result.json"))
  var results: [String]

  @Option(help: "What to draw.")
  var view = "schedule"

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file to write; its extension chooses the format.", valueName: "file"))
  var output: String

  @Flag(help: "Schedule: also write the source graph as NAME.source.EXT; every box links to its counterpart.")
  var pair = false

  @OptionGroup var front: FrontOptions
  @OptionGroup var part: SchedulePartOptions
  @OptionGroup var measured: OverlayOptions

  func validate() throws {
    guard view == FrontOptions.view || results.count == 1 else {
      throw ValidationError("the view \(view) takes one result; pareto takes several")
    }
  }

  func run() throws {
    try reporting {
      if view == FrontOptions.view { return try front.write(results, to: output) }
      let result = results[0]
      let name = output.hasSuffix(".html") ? HTMLReport.name : view
      let request = try ReportRequest(try ReportCatalog.report(named: name), path: output)
      let saved = try ResultFile.read(result)
      var options = ReportOptions()
      options.schedule = part.options
      options.schedule.overlay = try measured.overlay(saved)
      options.graphviz.timeLimitSeconds = part.timeLimit
      let bar = ProgressBar()
      defer { bar.clear() }
      if pair {
        bar.show("drawing the source graph", 0.1)
        try writeSource(saved, &options, request.fileExtension)
      }
      bar.show("drawing \(output)", 0.5)
      try request.write(saved, options)
    }
  }

  /// Writes the other picture of the pair and makes both link to each other.
  private func writeSource(_ saved: RunResult, _ options: inout ReportOptions, _ fileExtension: String) throws(Failure) {
    guard view == ScheduleReport.name, output != "-" else {
      throw Failure("--pair goes with --view schedule and a file to write")
    }
    let stem = output.hasSuffix("." + fileExtension) ? String(output.dropLast(fileExtension.count + 1)) : output
    let source = "\(stem).source.\(fileExtension)"
    var other = options
    other.schedule.partner = output.split(separator: "/").last.map(String.init)
    options.schedule.partner = source.split(separator: "/").last.map(String.init)
    try ReportRequest(SourceGraphReport.self, path: source).write(saved, other)
  }
}

/// What the plot of several results shows.
struct FrontOptions: ParsableArguments {
  static let view = "pareto"

  @Option(help: "Pareto: the horizontal axis.")
  var x = ResultMeasure.latency

  @Option(help: "Pareto: the vertical axis.")
  var y = ResultMeasure.weights

  @Option(help: ArgumentHelp("Pareto: measured accuracy of each result, in their order.", valueName: "a,b,…"))
  var accuracy: String?

  func write(_ paths: [String], to output: String) throws(Failure) {
    guard output.hasSuffix(".svg") else { throw Failure("the view pareto is written as .svg, not '\(output)'") }
    var shares: [Double] = []
    for word in (accuracy ?? "").split(separator: ",") {
      guard let share = Double(word), (0...1).contains(share) else {
        throw Failure("--accuracy: '\(word)' is not a share between 0 and 1")
      }
      shares.append(share)
    }
    guard shares.isEmpty || shares.count == paths.count else {
      throw Failure("--accuracy has \(shares.count) values for \(paths.count) results")
    }
    var results: [(name: String, result: RunResult)] = []
    for path in paths {
      let file = path.split(separator: "/").last.map(String.init) ?? path
      results.append((file.hasSuffix(".json") ? String(file.dropLast(5)) : file, try ResultFile.read(path)))
    }
    let plot = ParetoPlot(results, accuracy: shares, x: x, y: y)
    try FileOutput.write(Array(plot.svg().utf8), to: output)
    Terminal.note(plot.unknown.map { Diagnostic(.warning, "\($0) is not drawn: its \(x.rawValue) or \(y.rawValue) is not known") })
  }
}

extension ResultMeasure: ExpressibleByArgument {}

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
