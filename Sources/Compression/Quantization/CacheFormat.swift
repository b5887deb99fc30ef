internal import Basic
internal import IR

/// How the keys and values of earlier steps are stored.
package struct CacheFormat: Sendable, Hashable {
  package var scheme: QuantizationScheme
  package var calibrator: Calibrator
  package var percentile: Double

  static let schema = OptionSchema(
    "kv_cache", "How keys and values of earlier steps are stored: inputs and results of the model that hold them change their type.",
    [
      OptionKey("type", .choice(["int", "uint", "fp8_e4m3", "fp8_e5m2"]), "Number format (default int)."),
      OptionKey("num_bits", .integer(4...16), "Bits of an integer format (default 8)."),
      OptionKey("observer", .choice(Calibrator.allCases.map(\.rawValue)), "How the range is chosen from calibration (default minmax)."),
      OptionKey("percentile", .number(50...100), "Share of values kept, for that observer (default 99.999)."),
    ])

  init(_ options: OptionReader) throws(Failure) {
    let name = options.choice("type", FormatName.self) ?? .int
    let bits = options.integer("num_bits") ?? 8
    guard name.isInteger || !options.has("num_bits") else {
      throw Failure("'num_bits' belongs to int and uint; \(name.rawValue) has its own width", at: options.location(of: "num_bits"))
    }
    calibrator = options.choice("observer") ?? .minmax
    guard calibrator == .percentile || !options.has("percentile") else {
      throw Failure("'percentile' needs 'observer: percentile'", at: options.location(of: "percentile"))
    }
    percentile = options.number("percentile") ?? 99.999
    scheme = QuantizationScheme(
      storage: name.storage(bits: bits).element, isSymmetric: name != .uint, bits: name.isInteger ? bits : nil)
  }

  /// Float8 has range enough for keys and values as they are; integers need to know theirs.
  var needsCalibration: Bool { scheme.storage.isInteger }
}
