import ArgumentParser
import Basic
import Driver

/// The model and what is to be assumed of it; shared by every command that reads one.
struct ModelOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "An ONNX file, a graph in text form (.cwg), the config.json of a transformer, or the name of a shipped graph.", valueName: "model"))
  var model: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Inputs per run: binds or replaces the leading axis of the inputs (predictions take an open one as 1).", valueName: "N"))
  var batch: Int?

  @Option(
    name: .customLong("dim"),
    help: ArgumentHelp(
      "Bind a symbolic dimension, axis i of an input as input.i, or an integer input without axes by its name. Decoders known by their config.json: past=N with sequence=1 is one token after N others.",
      valueName: "name=value"))
  var dimensions: [String] = []

  @Flag(help: "Show operators nobody has described as opaque kernels instead of stopping.")
  var allowOpaque = false

  func request() throws(Failure) -> ModelRequest {
    var request = ModelRequest(path: model)
    request.batch = batch
    request.allowsOpaque = allowOpaque
    request.dimensions = try Self.dimensions(dimensions)
    return request
  }

  /// `name=number` pairs.
  static func dimensions(_ pairs: [String]) throws(Failure) -> [String: Int] {
    var result: [String: Int] = [:]
    for pair in pairs {
      guard let equals = pair.lastIndex(of: "="), equals != pair.startIndex else {
        throw Failure("--dim \(pair): expected name=number")
      }
      let text = pair[pair.index(after: equals)...]
      guard let value = Int(text) else {
        // Digits that are no Int are too many of them.
        let isNumber = !text.isEmpty && text.drop { $0 == "-" || $0 == "+" }.allSatisfy(\.isNumber)
        throw Failure("--dim \(pair): '\(text)' is \(isNumber ? "too large a number" : "no whole number")")
      }
      guard result.updateValue(value, forKey: String(pair[..<equals])) == nil else {
        throw Failure("--dim \(pair): the dimension is given twice")
      }
    }
    return result
  }
}

/// The number formats to assume.
struct FormatOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Number format: fp32, tf32, fp16, bf16, fp8, int8, w8a16, w4a16 (w4a16-g64: groups of 64), w4a8, int4, nvfp4, mxfp4 … (default: the machine's usual one for layers that the file has in floating point, else the file's own). fp8 finds scales of activations at run time, int8 has them fixed; fp8-static and int8-dynamic are the other way.",
      valueName: "format"))
  var precision: String?

  @Option(help: ArgumentHelp("Structured sparsity of the weights, such as 2:4.", valueName: "kept:of"))
  var sparsity: String?
}

/// The machine.
struct TargetOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A machine: name, alias or path of an XML file (see 'target list').", valueName: "T"))
  var target: String

  @Option(name: .customLong("set"), help: ArgumentHelp("Change a number of the machine for this run.", valueName: "machine.path=value"))
  var overrides: [String] = []

  @OptionGroup var folder: TargetFolderOption
}
