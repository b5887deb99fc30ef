package import Basic
package import IR
internal import Foundation
internal import Ops

/// Reads a model file of any supported format; the format is known by the contents, not by the name.
package enum ModelLoader {
  /// - Parameter dimensions: extents by symbol (`batch`) or by input and axis (`x.2`).
  package static func load(
    path: String, dimensions: [String: Int] = [:], options: ONNXImporter.Options = .init()
  ) throws(Failure) -> Graph {
    let file = try MappedFile(path: path)
    let prefix = file.withBytes(0..<min(file.count, 64)) { Array($0) }
    guard GraphText.recognises(prefix) else {
      return try ONNXImporter.load(file, dimensions: dimensions, options: options)
    }
    guard let text = file.withBytes(0..<file.count, { String(bytes: $0, encoding: .utf8) }) else {
      throw Failure("the graph is not UTF-8 text", at: SourceLocation(file: path))
    }
    return try GraphText.parse(text, file: path, operators: OperatorCatalog.byName)
      .bindingInputs(dimensions, file: path)
  }
}
