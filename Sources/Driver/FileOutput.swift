internal import Foundation
package import Basic

/// Output files: written beside their place and renamed, so that nobody ever sees half a file.
package enum FileOutput {
  /// `-` is standard output.
  package static func write(_ bytes: some Collection<UInt8>, to path: String) throws(Failure) {
    guard path != "-" else {
      FileHandle.standardOutput.write(Data(bytes))
      return
    }
    let url = URL(fileURLWithPath: path)
    let temporary = url.deletingLastPathComponent().appendingPathComponent(
      ".\(url.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier).tmp")
    do {
      try Data(bytes).write(to: temporary)
      guard rename(temporary.path, url.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw Failure("cannot write the file", at: SourceLocation(file: path), fix: "check that the folder exists and is writable")
    }
  }

  /// Fails when the folder of a file is not there or not writable, before any work is done for it.
  package static func checkFolder(of path: String) throws(Failure) {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isFolder: ObjCBool = false
    guard
      path == "-"
        || (FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) && isFolder.boolValue
          && FileManager.default.isWritableFile(atPath: folder))
    else {
      throw Failure("cannot write the file", at: SourceLocation(file: path), fix: "check that the folder exists and is writable")
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
