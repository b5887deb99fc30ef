internal import Compression

/// The JSON Schema (draft 2020-12) of recipes, written from the same values that check them.
package enum JSONSchema {
  package static func recipe() -> String {
    let body = object(Recipe.schema, indent: 1)
    let head = """
      {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cyclewright compression recipe",
      """
    return head + body.dropFirst(1) + "\n"
  }

  /// `{ "type": "object", … }` with keys in the order of the schema.
  private static func object(_ schema: OptionSchema, indent: Int) -> String {
    let space = String(repeating: "  ", count: indent)
    var lines = [#""type": "object""#, #""description": "# + quoted(schema.summary), #""additionalProperties": false"#]
    let required = schema.keys.filter(\.isRequired).map { quoted($0.name) }
    if !required.isEmpty { lines.append(#""required": ["# + required.joined(separator: ", ") + "]") }
    let properties = schema.keys.map { key in
      "\(space)  \(quoted(key.name)): " + value(key.kind, summary: key.summary, indent: indent + 2)
    }
    lines.append("\"properties\": {\n" + properties.joined(separator: ",\n") + "\n\(space)}")
    return "{\n" + lines.map { space + $0 }.joined(separator: ",\n") + "\n" + space.dropLast(2) + "}"
  }

  private static func value(_ kind: OptionKind, summary: String?, indent: Int) -> String {
    let note = summary.map { #", "description": "# + quoted($0) } ?? ""
    switch kind {
    case .flag: return #"{ "type": "boolean""# + note + " }"
    case .integer(let range):
      return #"{ "type": "integer", "minimum": \#(range.lowerBound), "maximum": \#(range.upperBound)"# + note + " }"
    case .number(let range):
      return #"{ "type": "number", "minimum": \#(range.lowerBound), "maximum": \#(range.upperBound)"# + note + " }"
    case .text: return #"{ "type": "string""# + note + " }"
    case .choice(let words): return #"{ "enum": ["# + words.map(quoted).joined(separator: ", ") + "]" + note + " }"
    case .list(let element):
      return #"{ "type": "array", "items": "# + value(element, summary: nil, indent: indent) + note + " }"
    case .object(let schema): return object(schema, indent: indent)
    case .unchecked(let kind): return value(kind, summary: summary, indent: indent)
    case .table(let schema):
      return #"{ "type": "object", "additionalProperties": "# + object(schema, indent: indent) + note + " }"
    case .either(let kinds):
      return #"{ "anyOf": ["# + kinds.map { value($0, summary: nil, indent: indent) }.joined(separator: ", ") + "]" + note + " }"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
