import Basic
import Compression
import Driver
import Testing

/// What `evaluate` says when there is nothing to measure or what it measures is no number.
struct ModelEvaluationTests {
  private static let fixtures = "\(PredictionTests.root)/Tests/CompressionTests/Fixtures"

  private func evaluation(_ data: String) -> ModelEvaluation {
    ModelEvaluation(model: ModelRequest(path: "\(Self.fixtures)/digits-resnet.onnx"), data: "\(Self.fixtures)/\(data)")
  }

  @Test func dataWithoutLabelsNeedsAnotherModel() throws {
    var alone = evaluation("digits-calibration.npz")
    let error = #expect(throws: Failure.self) { try alone.run() }
    #expect(error?.diagnostics.first?.message.contains("no labels") == true)
    alone.against = "\(Self.fixtures)/digits-resnet.onnx"
    alone.samples = 4
    let report = try alone.run()
    #expect(report.accuracy?.agreement == 1 && report.text().hasPrefix("digits-resnet evaluated\n"))
  }

  @Test func noSamplesAreAnError() {
    var none = evaluation("digits-test.npz")
    none.samples = 0
    let error = #expect(throws: Failure.self) { try none.run() }
    #expect(error?.diagnostics.first?.message.hasPrefix("--samples 0") == true)
  }

  /// A goal that has no value says what is missing.
  @Test func goalsSayWhatIsMissing() throws {
    var run = CompressionRun(
      model: ModelRequest(path: "\(Self.fixtures)/digits-resnet.onnx"),
      recipe: try CompressionRun.recipe("\(PredictionTests.root)/recipes/int8.yaml"))
    run.calibration = "\(Self.fixtures)/digits-calibration.npz"
    run.recipe.calibration.samples = 8
    let text = try run.run().report.text()
    #expect(text.contains("not measured: no labels  NOT MET"), "\(text)")
  }

  @Test func aFolderIsNoFile() {
    let error = #expect(throws: Failure.self) { try CompressionRun.recipe("\(PredictionTests.root)/recipes") }
    #expect(error?.diagnostics.first?.message == "this is a folder")
  }
}
