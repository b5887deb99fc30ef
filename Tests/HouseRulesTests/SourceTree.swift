import Foundation

/// The package's own files, found from the place of this one.
enum SourceTree {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Swift files under a folder of the package, with their path from the root.
  static func swiftFiles(under folder: String) -> [(path: String, text: String)] { files(under: folder, suffix: "swift") }

  /// Files with a suffix under a folder of the package, with their path from the root.
  static func files(under folder: String, suffix: String) -> [(path: String, text: String)] {
    let base = root.appendingPathComponent(folder)
    guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
    var result: [(path: String, text: String)] = []
    for case let url as URL in walker where url.pathExtension == suffix {
      guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
      result.append((String(url.path.dropFirst(root.path.count + 1)), text))
    }
    return result.sorted { $0.path < $1.path }
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// Code lines without comments and string contents, numbered from 1.
  static func codeLines(_ text: String) -> [(number: Int, code: String)] {
    var inBlock = false
    return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { index, line in
      var code = ""
      var inString = false
      var previous: Character = " "
      for character in line {
        if inBlock {
          if previous == "*", character == "/" { inBlock = false }
        } else if inString {
          if character == "\"", previous != "\\" { inString = false }
        } else if character == "\"" {
          inString = true
        } else if previous == "/", character == "/" {
          code.removeLast()
          break
        } else if previous == "/", character == "*" {
          code.removeLast()
          inBlock = true
        } else {
          code.append(character)
        }
        previous = character
      }
      return (index + 1, code)
    }
  }
}
