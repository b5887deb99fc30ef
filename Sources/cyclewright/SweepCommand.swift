import ArgumentParser
import Basic
import Driver
import Lowering

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Predicts one model on variants of a machine: every combination of values of its numbers.",
    discussion: """
      The model is read and compiled once. A variant that cannot run is a line with the reason.

      Examples:
        cyclewright sweep graphs/resnet-50.cwg --target systolic-array --vary array.rows=16,32,64 --vary array.columns=16,32,64
        cyclewright sweep model.tflite --target ethos-u55-128 --vary 'clock=200 MHz,500 MHz,1 GHz' --json -
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var target: TargetOptions

  @Option(
    name: .customLong("vary"),
    help: ArgumentHelp(
      "A number of the machine and its values; may be repeated, then all combinations run.", valueName: "path=a,b,c"))
  var axes: [String]

  @Option(help: ArgumentHelp("Number format (see 'predict').", valueName: "format"))
  var precision: String?

  @Option(help: "fast: closed forms; event: discrete events.")
  var fidelity: RunRequest.Fidelity = .fast

  @Option(help: ArgumentHelp("Write the variants as JSON (- for standard output).", valueName: "file"))
  var json: String?

  func run() throws {
    try reporting {
      var prediction = Prediction(model: try model.request(), target: target.target, catalog: try target.folder.catalog())
      prediction.model.precision = precision
      prediction.overrides = target.overrides
      prediction.fidelity = fidelity
      let sweep = try PredictionSweep(prediction, axes: try axes.map { axis throws(Failure) in try PredictionSweep.Axis(axis) })
      if let json { try FileOutput.write(try sweep.json(), to: json) }
      if json != "-" { try FileOutput.write(sweep.text(), to: "-") }
    }
  }
}
