import ArgumentParser
import Basic
import Compression
import Driver
import Foundation

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Runs a model on data: accuracy, and how near it is to another model.",
    discussion: """
      Labels are an integer array called label, labels or y. With --integers a quantised model is also run as integer
      hardware runs it, and every stored tensor is compared.

      Examples:
        cyclewright evaluate model.onnx --data test.npz
        cyclewright evaluate small.onnx --data test.npz --against model.onnx --integers
      """)

  @OptionGroup var model: ModelOptions
  @Option(help: ArgumentHelp("Inputs and labels: .npz, .npy, IDX, or a folder of .npy files.", valueName: "file")) var data: String
  @Option(help: ArgumentHelp("The model to compare with.", valueName: "model")) var against: String?
  @Option(help: ArgumentHelp("Use the first N samples.", valueName: "N")) var samples: Int?
  @Flag(help: "Also execute with integers and compare every stored tensor.") var integers = false
  @Option(help: ArgumentHelp("A machine whose integer arithmetic is followed.", valueName: "T")) var target: String?
  @OptionGroup var folder: TargetFolderOption
  @Option(help: ArgumentHelp("Write the stored integers of every tensor into a folder, as .npy.", valueName: "folder")) var dump: String?
  @Option(help: ArgumentHelp("File for the report (- for standard output).", valueName: "file")) var json: String?

  func run() throws {
    try reporting {
      var evaluation = ModelEvaluation(model: try model.request(), data: data)
      evaluation.against = against
      evaluation.samples = samples
      evaluation.comparesIntegers = integers || dump != nil
      evaluation.dumpFolder = dump
      if let target { evaluation.arithmetic = try MachineCatalog.machine(for: try folder.catalog().load(target)).capabilities.integers }
      let bar = ProgressBar()
      defer { bar.clear() }
      evaluation.progress = { bar.show($0, $1) }
      let report = try evaluation.run()
      bar.clear()
      if let json { try FileOutput.write(try report.encoded(), to: json) }
      if json != "-" { try FileOutput.write(report.text(), to: "-") }
    }
  }
}
