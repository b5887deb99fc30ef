internal import Basic
internal import Hardware
internal import IR

extension ElementReader {
  /// `<name value="i8"/>` as an element type.
  func element(_ name: String) -> ElementType? {
    let text = text(name)
    let type = ElementType(rawValue: text)
    if type == nil, !text.isEmpty { error("<\(name)> names no number format: '\(text)'") }
    return type
  }

  /// `<name value="…"/>` as one of an enumeration's values.
  func word<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> Choice?
  where Choice.RawValue == String {
    guard let child = child(name) else { return nil }
    let value = child.choice("value", of: type)
    child.finish()
    return value
  }

  func optionalWord<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> Choice?
  where Choice.RawValue == String { has(name) ? word(name, type) : nil }

  /// `<name value="yes|no"/>`; no when absent.
  func flag(_ name: String) -> Bool { optionalWord(name, Answer.self) == .yes }

  /// A list of words separated by spaces; `*` is the empty list, which means all.
  func names(_ attribute: String) -> Set<String> {
    let words = (optionalString(attribute) ?? "").split(separator: " ").map(String.init)
    return words == ["*"] ? [] : Set(words)
  }

  /// A whole number of at least one; so small that the product of two and a few cores fits a word.
  func positive(_ name: String, _ unit: Unit = .none) -> Int { integer(name, unit, in: 1...(1 << 24)).value }
}

private enum Answer: String, CaseIterable { case yes, no }
