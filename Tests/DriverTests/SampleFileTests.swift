import Basic
import Compression
import Driver
import Foundation
import Testing

@Suite struct SampleFileTests {
  /// Version 1.0 of the format: a header of a dictionary, padded to 64 bytes, then the elements.
  private func array(_ shape: String, count: Int) -> Data {
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
    return Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, 118, 0]) + Data(header.utf8) + Data(count: 4 * count)
  }

  @Test(arguments: [nil, "mask"])
  func anArrayThatNoInputTakesIsAnError(_ extra: String?) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("samples-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["x", extra].compactMap({ $0 }) {
      try array("(2, 1, 16, 16)", count: 512).write(to: folder.appendingPathComponent("\(name).npy"))
    }
    var request = ModelRequest(path: "\(PredictionTests.root)/Tests/CompressionTests/Fixtures/digits-resnet.onnx")
    request.dimensions = ["n": 1]
    let evaluation = Result { () throws -> Void in
      let graph = try LoadedModel(request).graph
      _ = try SampleFile.read(folder.path, for: graph).batches(of: 1, for: graph)
    }
    guard let extra else { return try evaluation.get() }
    let failure = #expect(throws: Failure.self) { try evaluation.get() }
    let message = failure?.diagnostics.first?.description ?? ""
    #expect(message.contains("the model has no input '\(extra)'"))
    #expect(message.contains("its inputs are x"))
  }
}
