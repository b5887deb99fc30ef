import ArgumentParser
import Basic
import Driver
import Foundation

struct SensitivityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensitivity",
    abstract: "Shows which layers lose most with few bits; or chooses bits for a table of layers under a budget.",
    discussion: """
      One layer at a time is stored in few bits and the model's output compared with the original's:
        cyclewright sensitivity model.onnx --metric kl --calibration data.npz --bits 4,8

      With --table, the best bits for layers whose loss and cost are known (columns layer, hessian_trace, delta_w_sq_<b>bit, \
      parameters, bops, latency_int<b>_ms), by an exact search:
        cyclewright sensitivity --table layers.csv --budget size:0.5 --tie 4=6
      """)

  @Argument(help: ArgumentHelp("An ONNX file or a graph in text form (.cwg).", valueName: "model")) var model: String?
  @Option(help: ArgumentHelp("sqnr (output noise), kl (output distribution) or hessian (mean trace × squared change).")) var metric = "sqnr"
  @Option(help: ArgumentHelp("Unlabelled inputs: .npy, .npz, a folder of .npy, or IDX.", valueName: "file")) var calibration: String?
  @Option(help: ArgumentHelp("Numbers of bits to try.", valueName: "b,b…")) var bits = "2,4,8"
  @Option(help: ArgumentHelp("Samples used, from the first.", valueName: "N")) var samples = 64
  @Option(help: ArgumentHelp("Seed of the random directions of the hessian metric.", valueName: "N")) var seed: UInt64 = 0
  @Option(help: ArgumentHelp("Layers with their losses and costs, instead of a model.", valueName: "csv")) var table: String?
  @Option(
    help: ArgumentHelp("size, bops or latency, and the share of the way from the fewest bits to the most.", valueName: "resource:share"))
  var budget: String?
  @Option(help: ArgumentHelp("Layers of the table, from 0, that take the same bits.", valueName: "i=j")) var tie: [String] = []
  @Option(help: ArgumentHelp("Write the result as JSON (- for standard output).", valueName: "file")) var json: String?

  func validate() throws {
    guard (model == nil) != (table == nil) else { throw ValidationError("give either a model or --table") }
    if table != nil, budget == nil { throw ValidationError("--table needs --budget, such as size:0.5") }
    if model != nil, calibration == nil { throw ValidationError("a model needs --calibration") }
  }

  func run() throws {
    try reporting {
      if let table, let budget {
        let report = try BitAssignmentReport(table: table, budget: budget, ties: tie)
        if let json { try FileOutput.write(try report.json(), to: json) }
        if json != "-" { try FileOutput.write(report.text(), to: "-") }
      } else if let model, let calibration {
        var request = SensitivityReport.Request(model: ModelRequest(path: model), calibration: calibration, metric: metric)
        request.bits = bits.split(separator: ",").map { Int($0) ?? 0 }
        guard samples > 0 else { throw Failure("--samples \(samples): at least one sample is used") }
        request.samples = samples
        request.seed = seed
        let bar = ProgressBar()
        defer { bar.clear() }
        request.progress = { bar.show($0, $1) }
        let report = try SensitivityReport(request)
        bar.clear()
        if let json { try FileOutput.write(try report.json(), to: json) }
        if json != "-" { try FileOutput.write(report.text(), to: "-") }
      }
    }
  }
}
