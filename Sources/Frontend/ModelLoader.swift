package import Basic
package import IR
internal import Foundation
internal import Ops

/// What every importer may be asked for.
package struct ImportOptions: Sendable {
  /// Operators nobody has described become visible opaque nodes instead of an error.
  package var allowsOpaque: Bool

  package init(allowsOpaque: Bool = false) { self.allowsOpaque = allowsOpaque }
}

/// Reads a model file of any supported format; the format is known by the contents, not by the name.
package enum ModelLoader {
  /// - Parameter dimensions: extents by symbol (`batch`) or by input and axis (`x.2`).
  package static func load(
    path: String, dimensions: [String: Int] = [:], options: ImportOptions = ImportOptions()
  ) throws(Failure) -> Graph {
    let file = try MappedFile(path: path)
    let prefix = file.withBytes(0..<min(file.count, 64)) { Array($0) }
    if TFLiteModel.recognises(prefix) {
      return try TFLiteImporter.load(file, options: options).bindingInputs(dimensions, file: path)
    }
    let isConfiguration = TransformerBuilder.recognises(prefix)
    guard isConfiguration || GraphText.recognises(prefix) else {
      return try ONNXImporter.load(file, dimensions: dimensions, options: options)
    }
    guard let text = file.withBytes(0..<file.count, { String(bytes: $0, encoding: .utf8) }) else {
      throw Failure("the graph is not UTF-8 text", at: SourceLocation(file: path))
    }
    if isConfiguration { return try TransformerBuilder.build(text, file: path, dimensions: dimensions) }
    return try GraphText.parse(text, file: path, operators: OperatorCatalog.byName)
      .bindingInputs(dimensions, file: path)
  }
}
