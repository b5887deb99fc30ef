import ArgumentParser
import Basic
import Compression
import Driver
import Foundation
import Recipes

struct CompressCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compress",
    abstract: "Compresses a model by a recipe and measures what it lost.",
    discussion: """
      Stages of recipes:
      \(StageCatalog.all.map { "  \($0.schema.name) — \($0.schema.summary)" }.joined(separator: "\n"))

      Writes an ONNX model that runtimes read (quantised weights and tensors as QuantizeLinear/DequantizeLinear). Exit status 3
      when a goal of the recipe is not met; the files are written all the same.

      Examples:
        cyclewright compress model.onnx --recipe int8.yaml --calibration samples.npz -o small.onnx
        cyclewright compress model.onnx --recipe w4.yaml --target nvidia-a100-sxm4-80gb -o small.onnx --json report.json
        cyclewright compress --schema > recipe.schema.json
      """)

  @Argument(help: ArgumentHelp("A model file (default: the recipe's).", valueName: "model")) var model: String?
  @Option(help: ArgumentHelp("A recipe, YAML or JSON.", valueName: "file")) var recipe: String?
  @Option(help: ArgumentHelp("Unlabelled inputs: .npz, .npy, IDX, or a folder of .npy files.", valueName: "file")) var calibration: String?
  @Option(help: ArgumentHelp("Inputs and labels to measure on.", valueName: "file")) var data: String?
  @Option(help: ArgumentHelp("A machine whose rules and integer arithmetic are followed.", valueName: "T")) var target: String?
  @OptionGroup var folder: TargetFolderOption
  @Option(parsing: .unconditional, help: ArgumentHelp("Inputs per run: binds or replaces the leading axis of the inputs.", valueName: "N"))
  var batch: Int?
  @Option(
    name: .customLong("dim"),
    help: ArgumentHelp(
      "Bind a symbolic dimension, axis i of an input as input.i, or an integer input without axes by its name.", valueName: "name=value"))
  var dimensions: [String] = []
  @Option(name: .shortAndLong, help: ArgumentHelp("File for the compressed model (.onnx or .cwg).", valueName: "file")) var output: String?
  @Option(help: ArgumentHelp("File for scales and zero points.", valueName: "file")) var encodings: String?
  @Option(help: ArgumentHelp("File for the whole report (- for standard output).", valueName: "file")) var json: String?
  @Flag(help: "Print the JSON Schema of recipes and stop.") var schema = false

  func run() throws {
    guard !schema else { return try reporting { try FileOutput.write(JSONSchema.recipe(), to: "-") } }
    try reporting {
      guard let recipe else { throw ValidationError("--recipe is missing") }
      try FileOutput.check([output, encodings, json].compactMap { $0 })
      let checked = try CompressionRun.recipe(recipe)
      guard let path = model ?? checked.model else { throw ValidationError("name a model, here or in the recipe") }
      var request = ModelRequest(path: path)
      request.batch = batch
      request.dimensions = try ModelOptions.dimensions(dimensions)
      var run = CompressionRun(model: request, recipe: checked)
      run.calibration = calibration
      run.evaluation = data
      run.target = target
      if target != nil || checked.target != nil { run.catalog = try folder.catalog() }
      let bar = ProgressBar()
      defer { bar.clear() }
      run.progress = { bar.show($0, $1) }
      let (compressed, report) = try run.run()
      bar.clear()
      if let output { try GraphOutput.write(compressed.graph, to: output) }
      if let encodings { try FileOutput.write(try CompressionRun.encodings(compressed, report), to: encodings) }
      if let json { try FileOutput.write(try report.encoded(), to: json) }
      if json != "-" { try FileOutput.write(report.text(), to: "-") }
      guard report.meetsGoals else { throw ExitCode(3) }
    }
  }
}
