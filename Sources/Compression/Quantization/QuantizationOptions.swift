internal import Basic
internal import IR

/// How weights of a group of layers are stored.
package struct WeightFormat: Sendable, Hashable {
  /// Granularity that still has to be bound to a layer's axes.
  package enum Strategy: String, Sendable, Hashable, CaseIterable { case tensor, channel, group }

  package var scheme: QuantizationScheme
  package var strategy: Strategy
  package var groupSize: Int
  package var clipping: WeightClipping
}

/// How activations of a group of layers are stored.
package struct ActivationFormat: Sendable, Hashable {
  package var scheme: QuantizationScheme
  package var calibrator: Calibrator
  package var percentile: Double
  /// Results of layers and what lies between them are stored as well, not only the inputs of layers.
  package var coversResults: Bool
  /// The inputs of a sum or difference share one scale, for hardware that adds stored numbers as they are.
  package var sharesSums = false
  /// More bits where the outputs feel the rounding.
  package var sensitive: SensitiveActivations?
}

/// Which activations get more bits, by how much their rounding alone changes the model's outputs.
package struct SensitiveActivations: Sendable, Hashable {
  /// Share of the summed noise that those chosen cause; the fewest that reach it are chosen.
  package var noise: Double
  package var bits: Int
  /// Calibration samples that are tried.
  package var samples: Int

  /// A fixed order of different wishes.
  var order: (Double, Int, Int) { (noise, bits, samples) }

  static let schema = OptionSchema(
    "sensitive", "Gives the activations whose rounding the model's outputs feel most more bits.",
    [
      OptionKey("noise", .number(0...1), "Share of the outputs' noise that those chosen cause; the fewest that reach it (default 0.75)."),
      OptionKey("num_bits", .integer(9...16), "Their bits (default 16)."),
      OptionKey("samples", .integer(1...4096), "Calibration samples that are tried (default 64)."),
    ])

  init(_ options: OptionReader) {
    noise = options.number("noise") ?? 0.75
    bits = options.integer("num_bits") ?? 16
    samples = options.integer("samples") ?? 64
  }
}

/// Names of stored number formats in recipes.
enum FormatName: String, CaseIterable {
  case int, uint, fp16, bf16, mxfp4, nvfp4, codebook
  case fp8E4M3 = "fp8_e4m3"
  case fp8E5M2 = "fp8_e5m2"

  /// The storage type, and the block that shares a scale where the format fixes one.
  func storage(bits: Int) -> (element: ElementType, scale: QuantizationScheme.ScaleFormat, block: Int?) {
    switch self {
    case .int: (bits <= 4 ? .int4 : bits <= 8 ? .int8 : .int16, .float32, nil)
    case .uint: (bits <= 4 ? .uint4 : bits <= 8 ? .uint8 : .uint16, .float32, nil)
    case .fp16: (.float16, .float32, nil)
    case .bf16: (.bfloat16, .float32, nil)
    case .mxfp4: (.float4e2m1, .powerOfTwo, 32)
    case .nvfp4: (.float4e2m1, .float8, 16)
    case .fp8E4M3: (.float8e4m3, .float32, nil)
    case .fp8E5M2: (.float8e5m2, .float32, nil)
    case .codebook: (.int8, .float32, nil)
    }
  }

  var isInteger: Bool { self == .int || self == .uint }
}

extension WeightFormat {
  static let schema = OptionSchema(
    "weights", "How weights are stored.",
    [
      OptionKey(
        "type", .choice(FormatName.allCases.map(\.rawValue)),
        "Number format; codebook is positions in a table of int8 numbers found by k-means, one table per tensor, or per group of output "
          + "channels with the strategy group (default int)."),
      OptionKey("num_bits", .integer(2...16), "Bits of an integer format (default 8), or of a position in a codebook, 2 to 8 (default 4)."),
      OptionKey("symmetric", .flag, "The zero point is fixed (default true)."),
      OptionKey("strategy", .choice(Strategy.allCases.map(\.rawValue)), "Who shares a scale (default channel)."),
      OptionKey(
        "group_size", .integer(2...4096),
        "Inputs that share a scale, or output channels that share a codebook, for the strategy group (default 128)."),
      OptionKey(
        "observer", .choice(WeightClipping.allCases.map(\.rawValue)), "How the range is chosen (default minmax above 4 bits, mse up to 4)."),
      OptionKey("scale", .choice(["float32", "power_of_two"]), "How scales are stored (default float32)."),
    ])

  init(_ options: OptionReader) throws(Failure) {
    let name = options.choice("type", FormatName.self) ?? .int
    let bits = options.integer("num_bits") ?? (name == .codebook ? 4 : 8)
    guard name.isInteger || name == .codebook || !options.has("num_bits") else {
      throw Failure("'num_bits' belongs to int and uint; \(name.rawValue) has its own width", at: options.location(of: "num_bits"))
    }
    if name == .codebook { try Self.checkCodebook(options, bits) }
    let storage = name.storage(bits: bits)
    guard storage.block == nil || (!options.has("strategy") && !options.has("group_size")) else {
      throw Failure(
        "\(name.rawValue) has blocks of \(storage.block ?? 0) by definition", at: options.location, fix: "remove strategy and group_size")
    }
    strategy = storage.block != nil ? .group : options.choice("strategy") ?? .channel
    groupSize = storage.block ?? options.integer("group_size") ?? 128
    guard strategy == .group || !options.has("group_size") else {
      throw Failure("'group_size' needs 'strategy: group'", at: options.location(of: "group_size"))
    }
    scheme = QuantizationScheme(
      storage: storage.element, isSymmetric: options.flag("symmetric") ?? true,
      scaleFormat: options.text("scale") == "power_of_two" ? .powerOfTwo : storage.scale, bits: name.isInteger ? bits : nil)
    if name == .codebook { scheme.codebookBits = bits }
    clipping = options.choice("observer") ?? (name.isInteger && bits <= 4 ? .mse : .minmax)
  }

  /// What a codebook cannot be.
  private static func checkCodebook(_ options: OptionReader, _ bits: Int) throws(Failure) {
    guard bits <= 8 else {
      throw Failure("a codebook has positions of 2 to 8 bits, not \(bits)", at: options.location(of: "num_bits"))
    }
    for key in ["observer", "scale"] where options.has(key) {
      throw Failure("'\(key)' does not go with a codebook, whose numbers k-means finds", at: options.location(of: key))
    }
    guard options.flag("symmetric") ?? true else {
      throw Failure("a codebook holds numbers of both signs", at: options.location(of: "symmetric"), fix: "remove symmetric")
    }
  }

  /// The scheme for a weight of this layout: strategies become axes.
  func bound(_ layout: WeightLayoutAxes) -> QuantizationScheme {
    var result = scheme
    switch strategy {
    case .tensor: result.granularity = .tensor
    case .channel: result.granularity = .channel(axis: layout.output)
    case .group where scheme.codebookBits != nil:
      // A table for neighbouring channels, each with its own scale.
      result.granularity = .channel(axis: layout.output)
      result.codebookChannels = groupSize
    case .group: result.granularity = .group(axis: layout.reduction, size: groupSize)
    }
    return result
  }
}

/// The axes a weight's scales may follow.
struct WeightLayoutAxes {
  var output: Int
  var reduction: Int
}

extension ActivationFormat {
  static let schema = OptionSchema(
    "activations", "How activations are stored.",
    [
      OptionKey(
        "type", .choice(["int", "uint", "fp16", "bf16", "fp8_e4m3", "fp8_e5m2"]), "Number format (default uint, or int when symmetric)."),
      OptionKey("num_bits", .integer(2...16), "Bits of an integer format (default 8)."),
      OptionKey("symmetric", .flag, "The zero point is fixed (default false)."),
      OptionKey("observer", .choice(Calibrator.allCases.map(\.rawValue)), "How the range is chosen from calibration (default minmax)."),
      OptionKey("percentile", .number(50...100), "Share of values kept, for that observer (default 99.999)."),
      OptionKey("dynamic", .flag, "Find the scale when the model runs (default false)."),
      OptionKey(
        "strategy", .choice(["tensor", "token"]),
        "Who shares a scale: the tensor, or one vector of its last axis; token needs dynamic (default tensor)."),
      OptionKey("share_sums", .flag, "Inputs of a sum share one scale, for hardware that adds stored numbers as they are (default false)."),
      OptionKey("sensitive", .object(SensitiveActivations.schema), SensitiveActivations.schema.summary),
      OptionKey("scope", .choice(["inputs", "full"]), "Store only inputs of layers, or everything between them too (default full)."),
      OptionKey("scale", .choice(["float32", "power_of_two"]), "How scales are stored (default float32)."),
    ])

  init(_ options: OptionReader) throws(Failure) {
    let isSymmetric = options.flag("symmetric") ?? false
    let name = options.choice("type", FormatName.self) ?? (isSymmetric ? .int : .uint)
    let bits = options.integer("num_bits") ?? 8
    guard name.isInteger || !options.has("num_bits") else {
      throw Failure("'num_bits' belongs to int and uint; \(name.rawValue) has its own width", at: options.location(of: "num_bits"))
    }
    let isDynamic = options.flag("dynamic") ?? false
    let storage = name.storage(bits: bits)
    let isByToken = options.text("strategy") == "token"
    if isByToken, !isDynamic || !name.isInteger || name == .uint || bits != 8 {
      throw Failure(
        "scales per token are found when the model runs, for int8 without a zero point", at: options.location(of: "strategy"),
        fix: "give dynamic: true and symmetric: true")
    }
    if isDynamic, !isByToken, name != .uint || bits != 8 || isSymmetric {
      throw Failure("dynamic activations are uint8 with a zero point (ONNX DynamicQuantizeLinear)", at: options.location(of: "dynamic"))
    }
    scheme = QuantizationScheme(
      storage: storage.element, isSymmetric: name.isInteger ? isSymmetric : true,
      scaleFormat: options.text("scale") == "power_of_two" ? .powerOfTwo : .float32, isDynamic: isDynamic, bits: name.isInteger ? bits : nil
    )
    if isByToken { scheme.granularity = .token }
    sharesSums = options.flag("share_sums") ?? false
    calibrator = options.choice("observer") ?? .minmax
    guard calibrator == .percentile || !options.has("percentile") else {
      throw Failure("'percentile' needs 'observer: percentile'", at: options.location(of: "percentile"))
    }
    percentile = options.number("percentile") ?? 99.999
    sensitive = options.object("sensitive").map(SensitiveActivations.init)
    guard sensitive == nil || (name.isInteger && bits < (sensitive?.bits ?? 0) && !isDynamic) else {
      throw Failure(
        "'sensitive' gives integers with known scales more bits", at: options.location(of: "sensitive"),
        fix: "use it with type int or uint of fewer bits, without dynamic")
    }
    coversResults = !isDynamic && options.text("scope") != "inputs"
  }
}
