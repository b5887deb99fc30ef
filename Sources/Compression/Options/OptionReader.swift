package import Basic

/// Typed reading of a mapping that its schema has already checked.
package struct OptionReader: Sendable {
  package let value: OptionValue

  /// Checks the mapping; the failure holds every mistake.
  package init(_ value: OptionValue, schema: OptionSchema) throws(Failure) {
    let found = schema.check(value)
    guard found.isEmpty else { throw Failure(found) }
    self.value = value
  }

  /// A part of a mapping that was checked as a whole.
  private init(checked value: OptionValue) { self.value = value }

  package var location: SourceLocation { value.location }

  package func has(_ key: String) -> Bool { value[key] != nil }
  package func location(of key: String) -> SourceLocation { value[key]?.location ?? value.location }

  package func flag(_ key: String) -> Bool? {
    if case .flag(let flag)? = value[key]?.content { flag } else { nil }
  }

  package func integer(_ key: String) -> Int? {
    if case .integer(let number)? = value[key]?.content { number } else { nil }
  }

  package func number(_ key: String) -> Double? {
    switch value[key]?.content {
    case .integer(let number)?: Double(number)
    case .number(let number)?: number
    default: nil
    }
  }

  package func text(_ key: String) -> String? {
    if case .text(let text)? = value[key]?.content { text } else { nil }
  }

  /// A choice as an enumeration whose raw values are its words.
  package func choice<T: RawRepresentable>(_ key: String, _ type: T.Type = T.self) -> T? where T.RawValue == String {
    text(key).flatMap(T.init(rawValue:))
  }

  /// A list of words; a single word counts as a list of one.
  package func texts(_ key: String) -> [String]? {
    guard let content = value[key]?.content else { return nil }
    switch content {
    case .text(let text): return [text]
    case .list(let values): return values.compactMap { if case .text(let text) = $0.content { text } else { nil } }
    default: return nil
    }
  }

  /// A list of numbers; a single number counts as a list of one.
  package func numbers(_ key: String) -> [Double]? {
    guard let found = value[key] else { return nil }
    let values: [OptionValue] = if case .list(let values) = found.content { values } else { [found] }
    let numbers = values.compactMap { element -> Double? in
      switch element.content {
      case .integer(let number): Double(number)
      case .number(let number): number
      default: nil
      }
    }
    return numbers.isEmpty ? nil : numbers
  }

  package func object(_ key: String) -> OptionReader? { value[key].map { OptionReader(checked: $0) } }

  /// The named members of a table, in file order.
  package func table(_ key: String) -> [(name: String, options: OptionReader)] {
    (value[key]?.entries ?? []).map { ($0.key, OptionReader(checked: $0.value)) }
  }
}
