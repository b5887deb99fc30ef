import Basic
import Driver
import Foundation
import Hardware
import Results
import Testing

/// Rows that choose among experts, on every family of machine.
@Suite struct ExpertTests {
  private static let experts = 16
  private static let choices = 2

  private func result(tokens: Int, on target: String) throws -> RunResult {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("experts-\(UUID().uuidString).cwg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try """
    graph "experts" {
      input %0 "x" : f32[\(tokens * Self.choices), 512]
      input %1 "ids" : i64[\(tokens * Self.choices)]
      const %2 "w" : f32[\(Self.experts), 1024, 512] = absent
      %3 "y" : f32[\(tokens * Self.choices), 1024] = expert-product(%0, %2, %1) {isTransposed = false, choices = \(Self.choices)} name "product" \
    from ["product"]
      output %3
    }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    return try Prediction(model: ModelRequest(path: path), target: target, catalog: PredictionTests.catalog).run()
  }

  /// One token reads the weights of its experts and no others; many tokens read all.
  @Test(arguments: [("nvidia-h100-sxm5-80gb", "dram", 2), ("tpu-v1", "weight-memory", 1), ("ethos-u65-512", "dram", 1)])
  func onlyTouchedExpertsAreRead(_ target: String, _ memory: String, _ bytes: Int) throws {
    let matrix = 1024 * 512 * bytes
    let one = try #require(try result(tokens: 1, on: target).totals.bytesMoved[memory])
    let many = try #require(try result(tokens: 256, on: target).totals.bytesMoved[memory])
    #expect(one >= Self.choices * matrix * 9 / 10 && one < (Self.choices + 1) * matrix, "\(one)")
    #expect(many >= Self.experts * matrix * 9 / 10, "\(many)")
  }

  /// What the prediction and its floor rest on stands in the result of every machine.
  @Test(arguments: ["nvidia-h100-sxm5-80gb", "tpu-v1"]) func theChoiceIsAnAssumption(_ target: String) throws {
    let assumption = try #require(try result(tokens: 4, on: target).assumptions.first { $0.what.contains("experts") })
    #expect(assumption.basis == .assumed && assumption.what.contains("1 kernel from 'product' on"))
  }

  @Test func aPipelineRefusesThem() {
    let failure = #expect(throws: Failure.self) { _ = try result(tokens: 1, on: "zu9eg") }
    #expect(failure?.description.contains("product: rows that choose among experts") == true)
  }
}
