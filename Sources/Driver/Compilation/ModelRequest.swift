/// A model and what is to be assumed of it.
package struct ModelRequest: Sendable {
  package var path: String
  package var dimensions: [String: Int] = [:]
  package var batch: Int?
  /// `bf16`, `int8`, `w4a16` …; nil keeps the model's own formats, or the machine's default for plain float32 models.
  package var precision: String?
  /// `2:4`; nil keeps weights as they are.
  package var sparsity: String?
  package var allowsOpaque = false
  /// A recipe to compress the model by before it is predicted, and its calibration data.
  package var recipe: String?
  package var calibration: String?

  package init(path: String) { self.path = path }
}
