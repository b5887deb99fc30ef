package import Basic

/// One step of a recipe: reads its options, then changes the model and says what it did.
///
/// Adding one: a type in a file of its own and a line in `StageCatalog`.
package protocol CompressionStage: Sendable {
  /// Its spelling in recipes and the keys it takes.
  static var schema: OptionSchema { get }

  /// - Parameter options: already checked against `schema`.
  init(_ options: OptionReader) throws(Failure)

  /// True when `apply` runs the model on calibration data.
  var needsCalibration: Bool { get }

  /// True when the model computes what it did before, whatever its tensors inside are.
  var preservesResults: Bool { get }

  func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure)
}

extension CompressionStage {
  package var needsCalibration: Bool { true }
  package var preservesResults: Bool { false }
}
