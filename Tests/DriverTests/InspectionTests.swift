import Driver
import Foundation
import Testing

/// What `inspect` counts.
struct InspectionTests {
  /// The bias of a product is a parameter however few and however stored; the axes of a transposition are none.
  @Test func biasesOfFewIntegersAreParameters() throws {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "by hand" nodes ["scale", "bias", "product", "turn"]
        input %0 "x" : f32[2, 4]
        const %1 "w" : i8[3, 4] = absent
        const %2 "s" : f32[] = base64 "AAAAPw=="
        const %3 "b" : i32[3] = values [1, 2, 3]
        %4 "wf" : f32[3, 4]<i8 tensor f32> = dequantize(%1, %2) {axis = 1, blockSize = 0} name "scale" from ["scale"]
        %5 "bf" : f32[3]<i32 tensor f32> = dequantize(%3, %2) {axis = 0, blockSize = 0} name "bias" from ["bias"]
        %6 "y" : f32[2, 3] = gemm(%0, %4, %5) {alpha = 1, beta = 1, transposesA = false, transposesB = true} name "product" from ["product"]
        output %6
      }
      """
    let path = FileManager.default.temporaryDirectory.appending(path: "biases-\(UUID().uuidString).cwg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let inspection = try Inspection(ModelRequest(path: path), target: nil)
    #expect(inspection.lines.first { $0.operator == "gemm" }?.parameters == 12 + 3)
  }
}
