import ArgumentParser
import Basic
import Driver
import Foundation
import Lowering

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Compares tables of measurements with predictions for the same shapes.",
    discussion: """
      Tables are CSV, recognised by their header; docs/validation.md lists the schemas. The target of a row is found by its
      name or alias. Rows that cannot be predicted are counted and named.

      Example:
        cyclewright validate gemm.csv --predictions out.csv --json summary.json
        cyclewright validate vela_per_op.csv --models folder/with/tflite
      """)

  @OptionGroup var folder: TargetFolderOption

  @Argument(help: ArgumentHelp("Tables of measurements.", valueName: "file.csv"))
  var files: [String]

  @Option(name: .customLong("target"), help: ArgumentHelp("Use target T for the device named GPU in the tables.", valueName: "GPU=T"))
  var targets: [String] = []

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Change a number of every machine before predicting.", valueName: "machine.path=value"))
  var overrides: [String] = []

  @Option(
    help:
      "fast: closed forms; event: the event forms where the model has them, with the largest difference from fast per group."
  )
  var fidelity: RunRequest.Fidelity = .fast

  @Option(
    help: ArgumentHelp(
      "Folder with the networks that tables name, beside graphs/; may be repeated.", valueName: "folder"))
  var models: [String] = []

  @Option(help: ArgumentHelp("Write the summary as JSON (- for standard output).", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write the rows with the columns predicted and why.", valueName: "out.csv"))
  var predictions: String?

  func run() throws {
    try reporting {
      var mapping: [String: String] = [:]
      for pair in targets {
        guard let equals = pair.firstIndex(of: "=") else { throw Failure("--target \(pair): expected GPU=T") }
        mapping[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
      }
      var options = Validation.Options(
        catalog: try folder.catalog(), targets: mapping, overrides: overrides, fidelity: fidelity, models: models)
      let bar = ProgressBar()
      defer { bar.clear() }
      options.progress = { bar.show($0, $1) }
      let validation = try Validation.run(files: files, options: options)
      bar.clear()
      if let predictions { try FileOutput.write(validation.predictionsCSV(), to: predictions) }
      if let json { try FileOutput.write(try validation.json(), to: json) }
      if json != "-" { try FileOutput.write(validation.text(), to: "-") }
    }
  }
}
