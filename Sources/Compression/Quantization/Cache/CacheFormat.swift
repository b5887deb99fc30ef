internal import Basic
internal import IR

/// How keys or values of earlier steps are stored.
package struct CacheFormat: Sendable, Hashable {
  /// Who shares a scale.
  package enum Strategy: String, Sendable, Hashable, CaseIterable {
    /// The whole cache.
    case tensor
    /// All numbers of one head.
    case head
    /// One channel of one head, over all positions.
    case channel
    /// One position of one head; found when the model runs and kept beside the cache.
    case token
  }

  package var scheme: QuantizationScheme
  package var strategy: Strategy
  package var calibrator: Calibrator
  package var percentile: Double

  static let keys = [
    OptionKey("type", .choice(["int", "uint", "fp8_e4m3", "fp8_e5m2"]), "Number format (default int)."),
    OptionKey("num_bits", .integer(4...16), "Bits of an integer format (default 8)."),
    OptionKey(
      "strategy", .choice(Strategy.allCases.map(\.rawValue)),
      "Who shares a scale: the cache, a head, a channel of a head, or a position of a head, whose scale is found when the model runs "
        + "and kept beside the cache (default tensor)."),
    OptionKey("observer", .choice(Calibrator.allCases.map(\.rawValue)), "How the range is chosen from calibration (default minmax)."),
    OptionKey("percentile", .number(50...100), "Share of values kept, for that observer (default 99.999)."),
  ]

  /// - Parameter outer: where keys are looked up that the options leave out.
  init(_ options: OptionReader, outer: OptionReader? = nil) throws(Failure) {
    func reader(_ key: String, unless newer: String? = nil) -> OptionReader {
      if options.has(key) || newer.map(options.has) == true { return options }
      return outer ?? options
    }
    let name = reader("type").choice("type", FormatName.self) ?? .int
    // Bits belong to a type and a percentile to an observer: a new one brings its own.
    let sized = reader("num_bits", unless: "type")
    let bits = sized.integer("num_bits") ?? 8
    guard name.isInteger || !sized.has("num_bits") else {
      throw Failure("'num_bits' belongs to int and uint; \(name.rawValue) has its own width", at: sized.location(of: "num_bits"))
    }
    calibrator = reader("observer").choice("observer") ?? .minmax
    let shared = reader("percentile", unless: "observer")
    guard calibrator == .percentile || !shared.has("percentile") else {
      throw Failure("'percentile' needs 'observer: percentile'", at: shared.location(of: "percentile"))
    }
    percentile = shared.number("percentile") ?? 99.999
    strategy = reader("strategy").choice("strategy") ?? .tensor
    scheme = QuantizationScheme(
      storage: name.storage(bits: bits).element, isSymmetric: name != .uint, bits: name.isInteger ? bits : nil)
    try check(at: reader("strategy").location(of: "strategy"))
  }

  /// What ONNX's operators cannot say of a cache, or what has no meaning.
  private func check(at location: SourceLocation) throws(Failure) {
    guard strategy == .channel || strategy == .token else { return }
    guard scheme.isSymmetric else {
      throw Failure("scales per \(strategy.rawValue) have no zero point", at: location, fix: "give type int or a float8")
    }
    if strategy == .token {
      guard calibrator == .minmax else {
        throw Failure("scales per token are found when the model runs, from the largest magnitude", at: location, fix: "remove observer")
      }
      guard scheme.bits == scheme.storage.bits else {
        throw Failure("scales per token use all bits that are stored, 4, 8 or 16, not \(scheme.bits)", at: location)
      }
    } else if calibrator.needsHistogram {
      throw Failure(
        "scales per channel are found from the smallest and largest values", at: location, fix: "use observer minmax or moving_average")
    }
  }

  /// Float8 has range enough for keys and values as they are; integers need to know theirs, and so do scales of parts.
  var needsCalibration: Bool {
    switch strategy {
    case .tensor: scheme.storage.isInteger
    case .head, .channel: true
    case .token: false
    }
  }

  /// For tables: `int8 token`.
  var title: String { "\(scheme.formatTitle) \(strategy.rawValue)" }
}

/// Formats of keys and of values.
package struct CacheFormats: Sendable, Hashable {
  package var keys: CacheFormat
  package var values: CacheFormat

  private static let part = OptionSchema("part", "How keys or values alone are stored; what is left out is as for both.", CacheFormat.keys)

  static let schema = OptionSchema(
    "kv_cache", "How keys and values of earlier steps are stored: inputs and results of the model that hold them change their type.",
    CacheFormat.keys + [
      OptionKey("keys", .object(part), "Keys alone; what is left out is as for both."),
      OptionKey("values", .object(part), "Values alone; what is left out is as for both."),
    ])

  init(_ options: OptionReader) throws(Failure) {
    func format(_ key: String) throws(Failure) -> CacheFormat {
      guard let own = options.object(key) else { return try CacheFormat(options) }
      return try CacheFormat(own, outer: options)
    }
    keys = try format("keys")
    values = try format("values")
  }

  var needsCalibration: Bool { keys.needsCalibration || values.needsCalibration }
}
