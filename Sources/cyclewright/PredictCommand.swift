import ArgumentParser
import Basic
import Driver
import Foundation
import Lowering
import Reports
import Results

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", _superCommandName: "cyclewright",
    abstract: "Predicts the latency of a model on a machine and shows what binds each kernel.",
    discussion: """
      Latency is the time of one run with inputs and weights in the machine's memory, weights already loaded. With
      --launch graph it runs from the first kernel's start to the last one's end; with --launch eager from the framework's
      first call, operations unfused as the model file has them and each started by the host.

      Examples:
        cyclewright predict graphs/resnet-50.cwg --target nvidia-a100-sxm4-80gb --report svg=schedule.svg
        cyclewright predict model.onnx --target nvidia-h100-sxm5-80gb --dim batch=8 --precision int8 --sparsity 2:4
        cyclewright predict model.onnx --target my-gpu.xml --set gpu.boost-clock=1.2GHz --json result.json

      Reports: text, json, and the views of 'draw' by name or file type, such as svg=schedule.svg or gantt=time.svg.
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var target: TargetOptions
  @OptionGroup var format: FormatOptions

  @Option(help: ArgumentHelp("Compress the model by a recipe first (see 'compress').", valueName: "file"))
  var recipe: String?

  @Option(help: ArgumentHelp("Calibration data of the recipe.", valueName: "file"))
  var calibration: String?

  @Option(help: "fast: closed forms; event: discrete events.")
  var fidelity: RunRequest.Fidelity = .fast

  @Option(
    help: "GPUs. graph: a replayed CUDA graph or engine with everything fused; eager: a framework calls one operation after the other.")
  var launch: RunRequest.Launch = .graph

  @Option(help: ArgumentHelp("Write the whole result as JSON (- for standard output).", valueName: "file"))
  var json: String?

  @Option(name: .customLong("report"), help: ArgumentHelp("Write a report; may be repeated.", valueName: "format=file"))
  var reports: [String] = []

  func validate() throws {
    guard calibration == nil || recipe != nil else { throw ValidationError("--calibration belongs to --recipe") }
  }

  func run() throws {
    try reporting {
      var prediction = Prediction(model: try model.request(), target: target.target, catalog: try target.folder.catalog())
      prediction.model.precision = format.precision
      prediction.model.sparsity = format.sparsity
      prediction.model.recipe = recipe
      prediction.model.calibration = calibration
      prediction.overrides = target.overrides
      prediction.fidelity = fidelity
      prediction.launch = launch
      let requested = try reports.map { try ReportRequest($0) }
      try FileOutput.check(requested.map(\.path) + [json].compactMap { $0 })
      let bar = ProgressBar()
      defer { bar.clear() }
      prediction.progress = { bar.show($0, $1) }
      let result = try prediction.run()
      // A picture that cannot be drawn does not take the figures away.
      var problems: [Diagnostic] = []
      for request in requested {
        bar.show("drawing \(request.path)", 0.9)
        do throws(Failure) { try request.write(result) } catch { problems += error.diagnostics }
      }
      bar.clear()
      if let json { try FileOutput.write(JSONReport.encode(result), to: json) }
      if json != "-" { try FileOutput.write(Terminal.text(result), to: "-") }
      guard problems.isEmpty else { throw Failure(problems) }
    }
  }
}

extension RunRequest.Fidelity: ExpressibleByArgument {}
extension RunRequest.Launch: ExpressibleByArgument {}

/// `svg=schedule.svg`: which report, and the file it goes to.
struct ReportRequest {
  let report: any Report.Type
  let path: String
  let fileExtension: String

  init(_ text: String) throws(Failure) {
    guard let equals = text.firstIndex(of: "=") else { throw Failure("--report \(text): expected format=file, such as svg=schedule.svg") }
    let name = String(text[..<equals])
    path = String(text[text.index(after: equals)...])
    guard !path.isEmpty else { throw Failure("--report \(text): the name of the file is missing", fix: "write --report \(text)FILE") }
    report = try ReportCatalog.report(named: name)
    // A file type names the type that is written, whatever the file is called.
    fileExtension = report.fileExtensions.contains(name) ? name : try ReportCatalog.fileExtension(for: path, of: report)
  }

  init(_ report: any Report.Type, path: String) throws(Failure) {
    self.report = report
    self.path = path
    fileExtension = try ReportCatalog.fileExtension(for: path, of: report)
  }

  func write(_ result: RunResult, _ options: ReportOptions = ReportOptions()) throws(Failure) {
    let rendered = try report.render(result, as: fileExtension, options)
    if let companion = rendered.companion, try OutputFile(path).isFile {
      let stem = path.hasSuffix("." + fileExtension) ? String(path.dropLast(fileExtension.count + 1)) : path
      try FileOutput.write(companion.bytes, to: "\(stem).\(companion.fileExtension)")
    }
    guard let bytes = rendered.bytes else { throw Failure(rendered.diagnostics) }
    try FileOutput.write(bytes, to: path)
    Terminal.note(rendered.diagnostics)
  }
}

/// What goes to the terminal, and how wide it is.
enum Terminal {
  static func text(_ result: RunResult) throws(Failure) -> String {
    var options = ReportOptions()
    options.text.usesColour = isatty(1) == 1 && InstallationFolders.environment("NO_COLOR") == nil
    if let width = InstallationFolders.environment("COLUMNS").flatMap({ Int($0) }) ?? size() { options.text.width = max(60, width) }
    return try TextReport.render(result, as: "txt", options).text
  }

  static func note(_ diagnostics: [Diagnostic]) {
    guard !diagnostics.isEmpty else { return }
    OutputFile.note(diagnostics.map(\.description).joined(separator: "\n") + "\n")
  }

  private static func size() -> Int? {
    var window = winsize()
    return ioctl(1, UInt(TIOCGWINSZ), &window) == 0 && window.ws_col > 0 ? Int(window.ws_col) : nil
  }
}
