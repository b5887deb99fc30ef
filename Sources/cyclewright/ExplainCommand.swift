import ArgumentParser
import Basic
import Driver
import Reports
import Results

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Answers questions about a saved result, or about the channels of a model, in plain sentences.",
    discussion: """
      Examples:
        cyclewright explain result.json --bottlenecks
        cyclewright explain result.json --kernel '#12'
        cyclewright explain result.json --kernel /layer1/conv1/Conv
        cyclewright explain result.json --overlay profile.json --overlay layers.json
        cyclewright explain model.onnx --groups
      """)

  @Argument(help: ArgumentHelp("A result written by 'predict --json'; with --groups a model.", valueName: "result.json"))
  var result: String

  @Option(
    help: ArgumentHelp(
      "A kernel by number (#12), or all whose name or source node contains the text.", valueName: "name"))
  var kernel: String?

  @Flag(help: "What the time is bound by, and what would help (the default).")
  var bottlenecks = false

  @Flag(help: "Fusions that nearly applied, with the first condition that failed.")
  var missedFusions = false

  @Flag(help: "Per layer: is structured sparsity possible, used, and what does it gain.")
  var sparsity = false

  @Flag(help: "Of a model: which channels and heads can only be removed together, and what blocks the rest.")
  var groups = false

  @Option(help: ArgumentHelp("Write the groups as JSON (- for standard output).", valueName: "file"))
  var json: String?

  @OptionGroup var measured: OverlayOptions

  func validate() throws {
    guard [kernel != nil, bottlenecks, missedFusions, sparsity, groups].count(where: { $0 }) <= 1 else {
      throw ValidationError("ask one question at a time: --kernel, --bottlenecks, --missed-fusions, --sparsity or --groups")
    }
    if json != nil, !groups { throw ValidationError("--json belongs to --groups") }
  }

  func run() throws {
    try reporting {
      if groups {
        let report = try GroupsReport(ModelRequest(path: result))
        if let json { try FileOutput.write(try report.json(), to: json) }
        if json != "-" { try FileOutput.write(report.text(), to: "-") }
        return
      }
      let saved = try ResultFile.read(result)
      if let overlay = try measured.overlay(saved) {
        try FileOutput.write(OverlayReport.render(saved, overlay), to: "-")
        return
      }
      let question: ExplainReport.Question =
        if let kernel { .kernel(kernel) } else if missedFusions { .missedFusions } else if sparsity { .sparsity } else {
          .bottlenecks
        }
      try FileOutput.write(try ExplainReport.render(saved, question), to: "-")
    }
  }
}

/// Measured layer times to show beside the predicted ones.
struct OverlayOptions: ParsableArguments {
  @Option(
    name: .customLong("overlay"),
    help: ArgumentHelp(
      "Measured layer times: trtexec --exportProfile (and --exportLayerInfo), an onnxruntime profile, or Vela's per-layer table; may be repeated.",
      valueName: "file"))
  var files: [String] = []

  func overlay(_ result: RunResult) throws(Failure) -> Overlay? {
    guard !files.isEmpty else { return nil }
    var read: [(name: String, bytes: [UInt8])] = []
    for file in files { read.append((file, try FileOutput.readBytes(file))) }
    return Overlay(result, try MeasuredProfile.read(read))
  }
}
