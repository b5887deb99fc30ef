internal import Basic
internal import Foundation

/// The data files beside a model, each mapped once; nothing outside the model's folder is ever opened.
final class ExternalFiles {
  private let folder: String
  private var maps: [String: MappedFile] = [:]

  /// - Parameter modelPath: the model file, whose folder confines every location.
  init(modelPath: String) {
    folder = modelPath.lastIndex(of: "/").map { $0 == modelPath.startIndex ? "/" : String(modelPath[..<$0]) } ?? ""
  }

  /// The file at a location relative to the model, or why it may not be read.
  func file(at location: String) throws(Failure) -> MappedFile {
    if let map = maps[location] { return map }
    guard !location.isEmpty, !location.hasPrefix("/"), !location.contains("\0") else {
      throw Failure("external data location '\(location)' must be a path relative to the model")
    }
    guard !location.split(separator: "/").contains("..") else {
      throw Failure("external data location '\(location)' leads outside the model's folder")
    }
    let root = folder.isEmpty ? "." : folder
    guard let resolved = realPath(root + "/" + location), let confined = realPath(root) else {
      throw Failure("external data file '\(location)' does not exist beside the model")
    }
    guard resolved.hasPrefix(confined == "/" ? "/" : confined + "/") else {
      throw Failure("external data location '\(location)' is a link that leads outside the model's folder")
    }
    let map = try MappedFile(path: resolved)
    maps[location] = map
    return map
  }

  private func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
