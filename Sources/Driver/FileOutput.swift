internal import Foundation
package import Basic

/// Whole files, written and read.
package enum FileOutput {
  /// `-` is standard output.
  package static func write(_ bytes: some Collection<UInt8>, to path: String) throws(Failure) { try OutputFile(path).write(bytes) }

  /// Fails when one of the files cannot be written, or two outputs would go to one, before any work is done for them.
  package static func check(_ paths: [String]) throws(Failure) {
    var seen: Set<String> = []
    for path in paths {
      let file = try OutputFile(path)
      try file.check()
      guard let identity = file.identity, !seen.insert(identity).inserted else { continue }
      throw Failure("two outputs go to this file", at: SourceLocation(file: path), fix: "name a file for each")
    }
  }

  package static func write(_ text: String, to path: String) throws(Failure) { try write(Array(text.utf8), to: path) }

  /// A whole text file, refused above a limit.
  package static func readText(_ path: String, limit: Int = 1 << 30) throws(Failure) -> String {
    String(decoding: try readBytes(path, limit: limit), as: UTF8.self)
  }

  package static func readBytes(_ path: String, limit: Int = 1 << 30) throws(Failure) -> [UInt8] {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw Failure("cannot open the file", at: SourceLocation(file: path), fix: "check the path")
    }
    defer { try? handle.close() }
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      throw Failure("this is a folder", at: SourceLocation(file: path), fix: "name a file in it")
    }
    let data: Data?
    // An empty file is nil.
    do { data = try handle.read(upToCount: limit + 1) } catch {
      throw Failure("cannot read the file: \(error.localizedDescription)", at: SourceLocation(file: path))
    }
    guard let data else { return [] }
    guard data.count <= limit else { throw Failure("the file is larger than \(limit) bytes", at: SourceLocation(file: path)) }
    return [UInt8](data)
  }
}
