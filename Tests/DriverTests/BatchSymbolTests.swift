import Basic
import Driver
import Foundation
import Testing

/// Exporters that name the batch of every input anew.
@Suite struct BatchSymbolTests {
  private func load(_ dimensions: [String: Int], batch: Int? = nil) throws -> LoadedModel {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("batch-\(UUID().uuidString).cwg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try """
    graph "g" {
      input %0 "ids" : f32[s10, s12]
      input %1 "mask" : f32[s86, s12]
      input %2 "table" : f32[rows, 4]
      %3 "y" : f32[s10, s12] = unary(%0) {function = "relu"} name "a" from ["a"]
      %4 "z" : f32[s86, s12] = unary(%1) {function = "relu"} name "b" from ["b"]
      %5 "t" : f32[rows, 4] = unary(%2) {function = "relu"} name "c" from ["c"]
      output %3
      output %4
      output %5
    }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    var request = ModelRequest(path: path)
    request.dimensions = dimensions
    request.batch = batch
    return try LoadedModel(request, assumesBatch: true)
  }

  /// A named symbol is no batch unless the first input has it.
  @Test func oneBatchBindsAllOfThem() throws {
    #expect(try load(["s12": 16], batch: 4).openDimensions == ["rows"])
    let assumed = try load(["s12": 16])
    #expect(assumed.openDimensions == ["rows"] && assumed.assumedBatch?.batch == 1)
    #expect(assumed.assumedBatch?.symbols == ["s10", "s86"])
  }

  @Test(arguments: ["s10", "s86"]) func oneOfThemGivesTheOther(_ symbol: String) throws {
    let loaded = try load(["s12": 16, symbol: 3])
    #expect(loaded.openDimensions == ["rows"] && loaded.assumedBatch?.batch == 3)
  }

  @Test func openAxesAreNamedWithTheirInput() throws {
    let failure = #expect(throws: Failure.self) { try load([:]).checkBound() }
    #expect(
      failure?.description.contains("not bound: rows, s12 (axis 1 of ids) (add --dim 'rows=…' --dim 's12=…')") == true,
      "\(failure?.description ?? "")")
  }
}
