import Basic
import Driver
import Foundation
import Hardware
import Lowering
import Results
import Testing

/// Slices and splits on machines that read them where they lie, and on one that does not.
@Suite struct SliceTests {
  private static let bytes = 1024 * 512 * 2

  /// x → softmax → split into halves → a function of the first, the product of both element by element.
  private func result(on target: String, launch: RunRequest.Launch = .graph, output: String = "%5") throws -> RunResult {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("slices-\(UUID().uuidString).cwg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try """
    # A comment first.
    graph "slices" {
      input %0 "x" : f32[1024, 1024]
      %1 "h" : f32[1024, 1024] = softmax(%0) {function = "Softmax", axis = -1, isFlattened = false} name "first" from ["first"]
      %2 "a" : f32[1024, 512], %3 "b" : f32[1024, 512] = split(%1) {axis = 1, parts = 2} name "split" from ["split"]
      %4 "p" : f32[1024, 512] = unary(%2) {function = "relu"} name "half" from ["half"]
      %5 "y" : f32[1024, 512] = binary(%2, %3) {function = "mul"} name "both" from ["both"]
      output %4
      output \(output)
    }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    var prediction = Prediction(model: ModelRequest(path: path), target: target, catalog: PredictionTests.catalog)
    prediction.launch = launch
    return try prediction.run()
  }

  @Test(arguments: [RunRequest.Launch.graph, .eager]) func partsAreReadInPlace(_ launch: RunRequest.Launch) throws {
    let result = try result(on: "nvidia-a100-sxm4-80gb", launch: launch)
    #expect(result.kernels.map(\.name) == ["first", "half", "both"])
    #expect(result.folded.contains { $0.name == "split" && $0.reason.contains("read where it lies") })
    // One reads a half and writes as much, the other reads both.
    #expect(result.kernels.dropFirst().map { $0.bytes["l2"] } == [2 * Self.bytes, 3 * Self.bytes])
    let whole = try self.result(on: "nvidia-a100-sxm4-80gb", launch: launch, output: "%3")
    #expect(whole.kernels.contains { $0.name == "split" }, "an output of the model is cut out")
  }

  @Test func aMachineWithoutTheFormCopiesThem() throws {
    let result = try result(on: "tpu-v1")
    #expect(result.kernels.contains { $0.name == "split" })
  }

  /// Rows with a step between them are gathered, backwards or not; the same rows side by side are a view.
  @Test(arguments: [(1, ["half"]), (2, ["slice", "half"]), (-2, ["slice", "half"])]) func aViewHasNoStep(
    _ step: Int, _ kernels: [String]
  ) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("slices-\(UUID().uuidString).cwg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try """
    graph "slices" {
      input %0 "x" : f32[1024, 1024]
      const %1 "s" : i64[1] = values [\(step > 0 ? 0 : 1023)]
      const %2 "e" : i64[1] = values [\(step > 0 ? 512 * step : -2000)]
      const %3 "a" : i64[1] = values [0]
      const %4 "t" : i64[1] = values [\(step)]
      %5 "h" : f32[512, 1024] = slice(%0, %1, %2, %3, %4) name "slice" from ["slice"]
      %6 "y" : f32[512, 1024] = unary(%5) {function = "relu"} name "half" from ["half"]
      output %6
    }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    let result = try Prediction(model: ModelRequest(path: path), target: "nvidia-a100-sxm4-80gb", catalog: PredictionTests.catalog).run()
    #expect(result.kernels.map(\.name) == kernels)
  }
}
