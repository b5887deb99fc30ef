package import Basic

/// A value of a recipe with its place in the file: what YAML and JSON become before a stage reads it.
package struct OptionValue: Sendable, Hashable {
  package indirect enum Content: Sendable, Hashable {
    case null
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([OptionValue])
    /// In file order.
    case mapping([OptionEntry])
  }

  package var content: Content
  package var location: SourceLocation

  package init(_ content: Content, at location: SourceLocation) {
    self.content = content
    self.location = location
  }

  /// What kind of value this is, for messages.
  package var kindName: String {
    switch content {
    case .null: "nothing"
    case .flag: "true or false"
    case .integer: "an integer"
    case .number: "a number"
    case .text(let text): "'\(text)'"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The entries of a mapping; empty for other values.
  package var entries: [OptionEntry] {
    if case .mapping(let entries) = content { entries } else { [] }
  }

  package subscript(key: String) -> OptionValue? { entries.first { $0.key == key }?.value }
}

/// One key of a mapping.
package struct OptionEntry: Sendable, Hashable {
  package var key: String
  package var location: SourceLocation
  package var value: OptionValue

  package init(_ key: String, at location: SourceLocation, _ value: OptionValue) {
    self.key = key
    self.location = location
    self.value = value
  }
}
