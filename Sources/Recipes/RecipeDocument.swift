package import Basic
package import Compression
internal import Yams

/// Text of a recipe, YAML or JSON (which YAML contains), as values with places.
package enum RecipeDocument {
  /// Deepest nesting read; recipes need five.
  private static let depthLimit = 32

  /// - Parameter file: name for messages.
  package static func parse(_ text: String, file: String) throws(Failure) -> OptionValue {
    guard text.utf8.count < 1 << 20 else { throw Failure("a recipe is at most 1 MiB", at: SourceLocation(file: file)) }
    let node: Yams.Node?
    do { node = try Yams.compose(yaml: text) } catch let error as YamlError { throw failure(error, file: file) } catch {
      throw Failure("not YAML: \(error)", at: SourceLocation(file: file))
    }
    guard let node else { throw Failure("the recipe is empty", at: SourceLocation(file: file)) }
    return try value(node, file: file, depth: 0)
  }

  private static func value(_ node: Yams.Node, file: String, depth: Int) throws(Failure) -> OptionValue {
    let location = place(node.mark, file)
    guard depth < depthLimit else { throw Failure("the recipe is nested too deeply", at: location) }
    switch node {
    case .scalar(let scalar): return OptionValue(content(scalar), at: location)
    case .sequence(let sequence):
      var values: [OptionValue] = []
      for element in sequence { values.append(try value(element, file: file, depth: depth + 1)) }
      return OptionValue(.list(values), at: location)
    case .mapping(let mapping):
      var entries: [OptionEntry] = []
      for (key, element) in mapping {
        guard let name = key.string else { throw Failure("a key must be a word", at: place(key.mark, file)) }
        entries.append(OptionEntry(name, at: place(key.mark, file), try value(element, file: file, depth: depth + 1)))
      }
      return OptionValue(.mapping(entries), at: location)
    case .alias: throw Failure("aliases are not supported in recipes", at: location, fix: "write the value out")
    }
  }

  /// YAML's core schema for plain scalars; quoted ones are text.
  private static func content(_ scalar: Yams.Node.Scalar) -> OptionValue.Content {
    guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
    switch scalar.string {
    case "", "~", "null": return .null
    case "true": return .flag(true)
    case "false": return .flag(false)
    default: break
    }
    if let integer = Int(scalar.string) { return .integer(integer) }
    if let number = Double(scalar.string), number.isFinite { return .number(number) }
    return .text(scalar.string)
  }

  private static func place(_ mark: Mark?, _ file: String) -> SourceLocation {
    SourceLocation(file: file, line: mark?.line, column: mark?.column)
  }

  private static func failure(_ error: YamlError, file: String) -> Failure {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      Failure(
        problem, at: place(mark, file),
        fix: problem.contains("cannot start any token") ? "indent with spaces, not tabs, and quote text that begins with @, %, or `" : nil)
    case .duplicatedKeysInMapping(let duplicates, let context):
      Failure("keys are given twice: \(duplicates.joined(separator: ", "))", at: place(context.mark, file))
    default: Failure("\(error)", at: SourceLocation(file: file))
    }
  }
}
