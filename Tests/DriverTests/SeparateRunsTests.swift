import Foundation
import Testing

/// Two processes, each with a hash seed of its own, write the same bytes.
@Suite struct SeparateRunsTests {
  struct Failed: Error { var status: Int32 }

  /// The program that was built with the tests.
  private static var program: URL? {
    let bundles = Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }.map(\.bundleURL)
    let neighbours = [Bundle.main.executableURL].compactMap { $0 } + bundles
    return neighbours.map { $0.deletingLastPathComponent().appending(path: "cyclewright") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }

  private static func run(_ program: URL, _ arguments: [String]) throws -> Data {
    let file = FileManager.default.temporaryDirectory.appending(path: "run-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments + ["--json", file.path]
    // A fixed seed would hide an order that depends on it.
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "SWIFT_DETERMINISTIC_HASHING" }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
    return try Data(contentsOf: file)
  }

  @Test(arguments: [
    ("graphs/resnet-18.cwg", "nvidia-a100-sxm4-80gb", ["--launch", "eager"]),
    ("graphs/mobilenet-v1.cwg", "ethos-u55-128", ["--fidelity", "event"]),
    ("Tests/CompressionTests/Fixtures/digits-resnet.onnx", "zcu104", ["--fidelity", "event"]),
  ])
  func resultsAreEqualByteForByte(_ model: String, _ target: String, _ options: [String]) throws {
    let program = try #require(Self.program, "cyclewright is not beside the tests")
    let root = PredictionTests.root
    let arguments = ["predict", "\(root)/\(model)", "--target", target, "--targets", "\(root)/targets", "--batch", "1"] + options
    let first = try Self.run(program, arguments)
    #expect(first.count > 1000)
    #expect(try Self.run(program, arguments) == first)
    #expect(try Self.run(program, arguments) == first)
  }
}
