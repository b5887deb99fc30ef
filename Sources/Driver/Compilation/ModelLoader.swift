internal import Frontend
internal import Ops
internal import Basic
internal import IR

/// Stand-in until Frontend has it.
enum ModelLoader {
  static func load(path: String, dimensions: [String: Int], allowsOpaque: Bool) throws(Failure) -> Graph {
    let text = try FileOutput.readText(path)
    return try GraphText.parse(text, file: path, operators: OperatorCatalog.byName)
  }
}
