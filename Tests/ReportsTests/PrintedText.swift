import Foundation

extension Process {
  /// Runs to the end and gives what was printed; errors of the program go nowhere.
  ///
  /// It prints to a file and no pipe: Foundation ends the tests when a signal interrupts it reading a pipe.
  func printedText() throws -> String {
    let printed = FileManager.default.temporaryDirectory.appendingPathComponent("printed-\(UUID().uuidString).txt")
    try Data().write(to: printed)
    defer { try? FileManager.default.removeItem(at: printed) }
    let file = try FileHandle(forWritingTo: printed)
    standardOutput = file
    standardError = FileHandle.nullDevice
    try run()
    waitUntilExit()
    try file.close()
    return String(decoding: try Data(contentsOf: printed), as: UTF8.self)
  }
}
