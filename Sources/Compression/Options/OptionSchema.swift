/// The keys a mapping of a recipe may have. Checking, reading and the published JSON Schema all come from this value.
package struct OptionSchema: Sendable {
  /// Spelling in recipes, such as `quantize`.
  package var name: String
  package var summary: String
  package var keys: [OptionKey]

  package init(_ name: String, _ summary: String, _ keys: [OptionKey]) {
    self.name = name
    self.summary = summary
    self.keys = keys
  }
}

/// One key of a mapping.
package struct OptionKey: Sendable {
  package var name: String
  package var kind: OptionKind
  /// One sentence; says the default.
  package var summary: String
  package var isRequired: Bool

  package init(_ name: String, _ kind: OptionKind, _ summary: String, isRequired: Bool = false) {
    self.name = name
    self.kind = kind
    self.summary = summary
    self.isRequired = isRequired
  }
}

/// What a value may be.
package indirect enum OptionKind: Sendable {
  case flag
  case integer(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  case text
  /// One of these words.
  case choice([String])
  case list(OptionKind)
  case object(OptionSchema)
  /// Names chosen by the user, each with these keys.
  case table(OptionSchema)
  /// What its reader checks itself, with better messages; the schema says what that accepts.
  case unchecked(OptionKind)
  /// The first kind that fits.
  case either([OptionKind])

  /// A list of operator names (`Conv`), node names and `re:` patterns.
  package static let selectors = OptionKind.list(.text)
}
